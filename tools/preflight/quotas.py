"""Quotas: what the deployment adds, what is used, and how much the account may have.

Source of the names and defaults: each service's page of quotas. Applied values come from Service
Quotas, which does not list every one.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from tools.preflight.account import Account, Check, Finding, of_kind, ok, refused, warning

# Lambda keeps some concurrency for functions without their own. 10, 50 and 100 have been seen, and
# no API says which: with as much left as the most of them, every account takes the reservation.
_KEPT = 100
FUNCTION = "AWS::Lambda::Function"


class Quota(NamedTuple):
    """``used`` is service, operation and a JMESPath that finds one number or item per resource.

    ``name`` is Service Quotas' (``code`` is its service's); without one the default is AWS's limit.
    """

    kind: str
    used: tuple[str, str, str]
    default: int
    code: str = ""
    name: str = ""


_SUMMARY = ("iam", "get_account_summary")
QUOTAS = {
    "nodes per Region": Quota(
        "AWS::ElastiCache::ReplicationGroup",
        ("elasticache", "describe_cache_clusters", "CacheClusters[].NumCacheNodes"),
        *(300, "elasticache", "Nodes per Region"),
    ),
    "subnet groups per Region": Quota(
        "AWS::ElastiCache::SubnetGroup",
        ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups[]"),
        *(300, "elasticache", "Subnet groups per Region"),
    ),
    "parameter groups per Region": Quota(
        "AWS::ElastiCache::ParameterGroup",
        ("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups[]"),
        *(300, "elasticache", "Parameter groups per Region"),
    ),
    "security groups per Region": Quota(
        "AWS::EC2::SecurityGroup",
        ("ec2", "describe_security_groups", "SecurityGroups[]"),
        *(2500, "vpc", "VPC security groups per Region"),
    ),
    "VPCs per Region": Quota(
        "AWS::EC2::VPC", ("ec2", "describe_vpcs", "Vpcs[]"), 5, "vpc", "VPCs per Region"
    ),
    "alarms per Region": Quota(
        "AWS::CloudWatch::Alarm",
        ("cloudwatch", "describe_alarms", "MetricAlarms[]"),
        *(5000, "monitoring", "Alarms"),
    ),
    "roles": Quota("AWS::IAM::Role", (*_SUMMARY, "SummaryMap.[Roles]"), 1000, "iam", "RolesQuota"),
    "policies": Quota(
        "AWS::IAM::ManagedPolicy",
        *((*_SUMMARY, "SummaryMap.[Policies]"), 1500, "iam", "PoliciesQuota"),
    ),
    "resource policies of CloudWatch Logs": Quota(
        "AWS::Logs::ResourcePolicy",
        *(("logs", "describe_resource_policies", "resourcePolicies[]"), 10),
    ),
}


def within(label: str, account: Account) -> Iterator[Finding]:
    """Whether what the deployment creates of one type fits."""
    quota = QUOTAS[label]
    more = len(account.created(quota.kind))
    if not more:
        return
    if label == "nodes per Region":
        more = account.settings.redis.topology.node_count
    found = account.search(*quota.used)
    used = sum(one if isinstance(one, int) else 1 for one in found)
    applied = _applied(account, quota)
    most = quota.default if applied is None else applied
    text = f"{used} are used, {more} are created, {most} are allowed"
    if used + more <= most:
        yield ok(text)
    elif applied is None and quota.name:
        yield warning(
            f"{text} by default, and this account's own quota is not listed",
            "Look it up in the console of Service Quotas, and have it raised if it is the default",
        )
    elif quota.name:
        yield refused(text, f"Have {quota.name} ({quota.code}) raised in Service Quotas")
    else:
        yield refused(text, "AWS does not raise it: delete those that nothing needs any more")


def _applied(account: Account, quota: Quota) -> int | None:
    if quota.code == "iam":
        path = f"SummaryMap.[{quota.name}]"
        return next((value for value in account.search(*_SUMMARY, path) if value), None)
    if not quota.name:
        return quota.default
    path = f"Quotas[?QuotaName=='{quota.name}'].Value"
    values = account.search("service-quotas", "list_service_quotas", path, ServiceCode=quota.code)
    return next((int(value) for value in values), None)


def concurrency(account: Account) -> Iterator[Finding]:
    """Whether each function can have the one execution that it reserves."""
    before, after = (
        sum(int(one.get("ReservedConcurrentExecutions", 0)) for one in of_kind(side, FUNCTION))
        for side in (account.before, account.after)
    )
    if (more := after - before) <= 0:
        return
    limit = account.client("lambda").get_account_settings()["AccountLimit"]
    free = limit["UnreservedConcurrentExecutions"]
    text = f"{free} of {limit['ConcurrentExecutions']} are not reserved, {more} would be"
    if free - more >= _KEPT:
        yield ok(text)
        return
    yield refused(
        f"{text}, and Lambda keeps back 10, 50 or {_KEPT}: no API says which",
        "Have Concurrent executions (lambda) raised in Service Quotas, or write "
        'reserved_concurrency = "none" into [environment] of '
        f"environments/{account.settings.environment.name}.toml "
        "(docs/operate/rotation.md#without-reserved-concurrency)",
    )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Lambda concurrency", concurrency),
    *((label, partial(within, label)) for label in QUOTAS),
)
