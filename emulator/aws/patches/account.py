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


def install() -> None:
    """Keep account of concurrency and zones."""
    _patch_concurrency()
    _patch_endpoint_services()
    _patch_name_of_role()


def _patch_name_of_role() -> None:
    """As ElastiCache's guide spells it ("Using service-linked roles")."""
    create = iam._IAM_HANDLERS["CreateServiceLinkedRole"]

    def creating(params: Record) -> Any:
        answer = create(params)
        if role := iam._roles.pop("AWSServiceRoleForElasticache", None):
            role["RoleName"] = "AWSServiceRoleForElastiCache"
            iam._roles[role["RoleName"]] = role
        return answer

    iam._IAM_HANDLERS["CreateServiceLinkedRole"] = creating


def _patch_concurrency() -> None:
    put, settings = lambda_svc._put_function_concurrency, lambda_svc._get_account_settings

    def reserve(name: str, many: int) -> None:
        unreserved = THE_ACCOUNT.concurrency - reserved(name) - many
        if many and unreserved < THE_ACCOUNT.minimum_unreserved:
            raise ValueError(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of "
                f"[{THE_ACCOUNT.minimum_unreserved}]."
            )
        _RESERVED[name] = many

    def deploying(name: str, properties: Record, _there: bool) -> None:
        reserve(properties.get("FunctionName", name), int(properties.get(_KEY, 0)))

    def putting(name: str, data: Record) -> Any:
        try:
            reserve(name, data[_KEY])
        except ValueError as refused:
            code = "InvalidParameterValueException"
            return lambda_svc.error_response_json(code, str(refused), 400)
        return put(name, data)

    def account() -> Any:
        status, headers, body = settings()
        answer = json.loads(body)
        answer["AccountLimit"] |= {
            "ConcurrentExecutions": THE_ACCOUNT.concurrency,
            "UnreservedConcurrentExecutions": THE_ACCOUNT.concurrency - reserved(),
        }
        return status, headers, json.dumps(answer).encode()

    around("AWS::Lambda::Function", before=deploying)
    lambda_svc._put_function_concurrency, lambda_svc._get_account_settings = putting, account


def _patch_endpoint_services() -> None:
    """Those that we deploy are there, each without the zones that the account's profile says."""
    ec2._VPCE_INTERFACE_SERVICES = (*ec2._VPCE_INTERFACE_SERVICES, "elasticache")
    describe = ec2._ACTION_MAP["DescribeVpcEndpointServices"]

    def described(params: Record) -> Any:
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

    ec2._ACTION_MAP["DescribeVpcEndpointServices"] = described
