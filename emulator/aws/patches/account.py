"""The limits of an account, as its profile sets them, in Lambda, EC2 and IAM.

Sources of the words of each refusal, users' reports: aws-samples/siem-on-amazon-opensearch-service
issue 175 for concurrency, hashicorp/terraform-provider-awscc issue 1011 for channels.
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
import re
from typing import Any

from ministack.services import ec2, iam, lambda_svc  # type: ignore[import-not-found]

from emulator.aws.patches.cloudformation import around
from emulator.aws.patches.instead import instead_of

WORKSPACE = "T0REHEARSAL"


class Account:
    """One account; by default one that has been in use, with its quotas as they begin."""

    def __init__(self) -> None:
        self.concurrency = 1000
        self.minimum_unreserved = 100  # by Lambda, for functions that reserve nothing
        self.creates_roles = True  # whether a service makes its role for its caller
        self.zones_without: dict[str, str] = {}  # by endpoint service
        self.quotas: dict[str, dict[str, float]] = {"elasticache": {"Nodes per Region": 300.0}}
        self.channels: dict[str, dict[str, str]] = {}  # by the configuration's ARN

    def limit(self, **values: str) -> None:
        """Change some, each as JSON text."""
        for name, value in values.items():
            if name not in vars(self):
                raise ValueError(f"an account has no {name}")
            setattr(self, name, json.loads(value))


THE_ACCOUNT = Account()

Record = dict[str, Any]
_KEY = "ReservedConcurrentExecutions"

# By function. ministack's own figure would throttle, and its CloudFormation drops the property.
_RESERVED: dict[str, int] = {}


def reserved(without: str = "") -> int:
    """The concurrency that the existing functions reserve, `without` one of them."""
    there = set(lambda_svc._functions.keys())
    return sum(many for name, many in _RESERVED.items() if name in there and name != without)


@instead_of(iam, "_IAM_HANDLERS", "CreateServiceLinkedRole")
def _create_role(create: Any, params: Record) -> Any:
    """The name is as ElastiCache's guide spells it ("Using service-linked roles")."""
    answer = create(params)
    if role := iam._roles.pop("AWSServiceRoleForElasticache", None):
        role["RoleName"] = "AWSServiceRoleForElastiCache"
        iam._roles[role["RoleName"]] = role
    return answer


def _reserve(name: str, many: int) -> None:
    unreserved = THE_ACCOUNT.concurrency - reserved(name) - many
    if many and unreserved < THE_ACCOUNT.minimum_unreserved:
        raise ValueError(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of "
            f"[{THE_ACCOUNT.minimum_unreserved}]."
        )
    _RESERVED[name] = many


def _deploying(name: str, properties: Record, _there: bool) -> None:
    _reserve(properties.get("FunctionName", name), int(properties.get(_KEY, 0)))


@instead_of(lambda_svc, "_put_function_concurrency")
def _put_concurrency(put: Any, name: str, data: Record) -> Any:
    try:
        _reserve(name, data[_KEY])
    except ValueError as refused:
        return lambda_svc.error_response_json("InvalidParameterValueException", str(refused), 400)
    return put(name, data)


@instead_of(lambda_svc, "_get_account_settings")
def _settings(settings: Any) -> Any:
    status, headers, body = settings()
    answer = json.loads(body)
    answer["AccountLimit"] |= {
        "ConcurrentExecutions": THE_ACCOUNT.concurrency,
        "UnreservedConcurrentExecutions": THE_ACCOUNT.concurrency - reserved(),
    }
    return status, headers, json.dumps(answer).encode()


@instead_of(ec2, "_ACTION_MAP", "DescribeVpcEndpointServices")
def _describe_services(describe: Any, params: Record) -> Any:
    """Each without the zones that the account's profile says."""
    status, headers, body = describe(params)
    text = body.decode()
    for service, zone in THE_ACCOUNT.zones_without.items():
        name = re.escape(f".{service}</serviceName>")
        text = re.sub(
            rf"({name}(?:(?!</availabilityZoneSet>).)*)<item>{zone}</item>",
            r"\1",
            text,
            flags=re.DOTALL,
        )
    return status, headers, text.encode()


def install() -> None:
    """Keep account of concurrency, and have those endpoint services that we deploy."""
    around("AWS::Lambda::Function", before=_deploying)
    ec2._VPCE_INTERFACE_SERVICES = (*ec2._VPCE_INTERFACE_SERVICES, "elasticache")
