"""What a stack costs a month at list price, read from its template.

Prices are AWS's list prices on demand in us-east-1, without tax: nodes from
environments/node_types.py, the rest from AWS's pricing pages (CloudWatch, KMS, Secrets Manager,
PrivateLink). A resource that is not here costs nothing by itself.
"""

from collections.abc import Iterator

from environments.node_types import PRICE_REGION, PRICES_AS_OF, node_type
from tools.assembly import Document, Stack

HOURS = 730
SINGLE = {
    "AWS::KMS::Key": 1.00,
    "AWS::SecretsManager::Secret": 0.40,
    "AWS::CloudWatch::Dashboard": 3.00,
}
ALARM_METRIC = 0.10
ENDPOINT_HOUR = 0.01

AS_OF = f"list price in {PRICE_REGION} of {PRICES_AS_OF}, {HOURS} hours"
NOT_IN_IT = "traffic, log lines, snapshots beyond one a group, Extended Support and tax"


def monthly(stack: Stack) -> float:
    """US dollars a month for what is there whether it is used or not."""
    return sum(dollars for _, dollars in parts(stack))


def parts(stack: Stack) -> Iterator[tuple[str, float]]:
    """CloudFormation type and US dollars a month of each resource that costs something."""
    for resource in stack.resources.values():
        if dollars := _price(resource["Type"], resource.get("Properties", {})):
            yield resource["Type"], dollars


def _price(kind: str, properties: Document) -> float:
    match kind:
        case "AWS::ElastiCache::ReplicationGroup":
            return _nodes(properties)
        case "AWS::CloudWatch::Alarm":
            # Metric math is billed for each metric that it reads.
            series = [one for one in properties.get("Metrics", [{}]) if "Expression" not in one]
            return ALARM_METRIC * len(series)
        case "AWS::EC2::VPCEndpoint":
            return ENDPOINT_HOUR * HOURS * len(properties.get("SubnetIds", []))
        case _:
            return SINGLE.get(kind, 0.0)


def _nodes(group: Document) -> float:
    nodes: int = group.get("NumCacheClusters") or group["NumNodeGroups"] * (
        1 + group["ReplicasPerNodeGroup"]
    )
    price = node_type(group["CacheNodeType"]).price(group["Engine"])
    if price is None:
        raise ValueError(f"{group['CacheNodeType']} has no price for {group['Engine']}")
    return nodes * price * HOURS
