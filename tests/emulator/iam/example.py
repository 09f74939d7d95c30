"""Two small stacks as CDK writes them: a rotation function in isolated subnets, and what it needs.

What is not said in a test is right, so that a test changes the one thing that it is about.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.iam import network
from emulator.iam.actions import Call
from emulator.iam.endpoint_names import regional
from emulator.iam.template import Deployment
from emulator.iam.verdict import Connection, Judge, Nodes

ACCOUNT, REGION = "444455556666", "us-east-1"
DATA, OPERATIONS = "data", "operations"

Template = dict[str, Any]
Templates = dict[str, Template]


def ref(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def att(logical_id: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, attribute]}


def imported(name: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"{DATA}:{name}"}


def resource(kind: str, **properties: Any) -> Template:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def allow(actions: str | list[str], on: Any = "*", **more: Any) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": on, **more}


def rule(group: str, source: str, port: int) -> Template:
    return resource(
        "EC2::SecurityGroupIngress",
        GroupId=att(group, "GroupId"),
        SourceSecurityGroupId=att(source, "GroupId"),
        IpProtocol="tcp",
        FromPort=port,
        ToPort=port,
    )


NO_EGRESS = [{"CidrIp": "255.255.255.255/32", "FromPort": 252, "IpProtocol": "icmp", "ToPort": 86}]
ALL_EGRESS = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]


def group(egress: list[Template]) -> Template:
    return resource("EC2::SecurityGroup", VpcId=ref("Vpc"), SecurityGroupEgress=egress)


def endpoint(service: str) -> Template:
    return resource(
        "EC2::VPCEndpoint",
        ServiceName=f"com.amazonaws.{REGION}.{service}",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
        VpcId=ref("Vpc"),
        SubnetIds=[ref("SubnetA"), ref("SubnetB")],
        SecurityGroupIds=[att("EndpointGroup", "GroupId")],
    )


def subnet(cidr: str) -> Template:
    return resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock=cidr)


_KEY_POLICY = {"Statement": [allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})]}
_EXPORTS = {
    "secret": ref("Secret"),
    "key": att("Key"),
    "subnet-a": ref("SubnetA"),
    "subnet-b": ref("SubnetB"),
    "group": att("FunctionGroup", "GroupId"),
}
_DATA: Template = {
    "Resources": {
        "Vpc": resource("EC2::VPC", CidrBlock="10.20.0.0/20", EnableDnsHostnames=True),
        "SubnetA": subnet("10.20.0.0/21"),
        "SubnetB": subnet("10.20.8.0/21"),
        "FunctionGroup": group(ALL_EGRESS),
        "EndpointGroup": group(NO_EGRESS),
        "RedisGroup": group(NO_EGRESS),
        "FunctionToEndpoints": rule("EndpointGroup", "FunctionGroup", 443),
        "FunctionToRedis": rule("RedisGroup", "FunctionGroup", 6379),
        "Secretsmanager": endpoint("secretsmanager"),
        "Elasticache": endpoint("elasticache"),
        "Key": resource("KMS::Key", KeyPolicy=_KEY_POLICY),
        "Secret": resource("SecretsManager::Secret", KmsKeyId=att("Key")),
        "Subnets": resource("ElastiCache::SubnetGroup", SubnetIds=[ref("SubnetA"), ref("SubnetB")]),
    },
    "Outputs": {
        name: {"Value": value, "Export": {"Name": f"{DATA}:{name}"}}
        for name, value in _EXPORTS.items()
    },
}
_VIA = {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}
_MANAGED = ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
_ROTATE = [
    allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], imported("secret")),
    allow(["kms:Decrypt", "kms:GenerateDataKey"], imported("key"), Condition=_VIA),
    allow("elasticache:*", {"Fn::Sub": "arn:${AWS::Partition}:elasticache:*:*:*"}),
]
_OPERATIONS: Template = {
    "Resources": {
        "Role": resource(
            "IAM::Role",
            ManagedPolicyArns=[{"Fn::Join": ["", ["arn:", ref("AWS::Partition"), _MANAGED]]}],
        ),
        "Policy": resource(
            "IAM::Policy",
            PolicyName="Rotate",
            Roles=[ref("Role")],
            PolicyDocument={"Statement": _ROTATE},
        ),
        "Function": resource(
            "Lambda::Function",
            Role=att("Role"),
            Runtime="python3.12",
            VpcConfig={
                "SubnetIds": [imported("subnet-a"), imported("subnet-b")],
                "SecurityGroupIds": [imported("group")],
            },
        ),
    }
}

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Function"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Role"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:Secret-AbCdEf"
PRIMARY = "127.99.1.0"
NODES = {PRIMARY: Nodes("vibewell-redis", ("RedisGroup",), "Subnets")}


def templates() -> Templates:
    return copy.deepcopy({DATA: _DATA, OPERATIONS: _OPERATIONS})


def deployment(of: Mapping[str, Template] | None = None) -> Deployment:
    return Deployment(of or templates(), account=ACCOUNT, region=REGION)


def call(action: str, **parameters: str) -> Call:
    return Call(FUNCTION, ROLE, action, {name: (value,) for name, value in parameters.items()})


CALLS = (
    call("secretsmanager:GetSecretValue", SecretId=SECRET),
    call("secretsmanager:PutSecretValue", SecretId=SECRET),
    call("elasticache:ModifyReplicationGroup", ReplicationGroupId="vibewell-redis"),
)
CONNECTIONS = (Connection(FUNCTION, PRIMARY, 6379),)


def findings(
    of: Templates,
    calls: tuple[Call, ...] = CALLS,
    connections: tuple[Connection, ...] = CONNECTIONS,
    context: Template | None = None,
) -> list[str]:
    deployed = deployment(of)
    return Judge(deployed, network.read(deployed, context or {}), NODES).findings(
        calls, connections
    )


def properties(of: Templates, stack: str, logical_id: str) -> Template:
    declared: Template = of[stack]["Resources"][logical_id]["Properties"]
    return declared


def own_names(of: Templates, logical_id: str) -> list[str]:
    """The names by which an endpoint of the data stack is reached without private DNS."""
    endpoints = network.read(deployment(of), {}).endpoints
    (endpoint,) = (
        each for each in endpoints if each.name == f"endpoint {logical_id} in stack {DATA}"
    )
    return list(endpoint.own_names)


def by_own_name(of: Templates, name: str | None = None) -> tuple[Call, ...]:
    """Elasticache's endpoint has no private DNS, and the function calls it by its own name.

    Or by ``name``. Returns the calls.
    """
    properties(of, DATA, "Elasticache")["PrivateDnsEnabled"] = False
    name = name or regional(own_names(of, "Elasticache"))
    properties(of, OPERATIONS, "Function")["Environment"] = {
        "Variables": {"AWS_ENDPOINT_URL_ELASTICACHE": f"https://{name}"}
    }
    return (*CALLS[:2], replace(CALLS[2], address=name))


def statements(of: Templates) -> list[Template]:
    """The statements of the function's own policy."""
    own: list[Template] = properties(of, OPERATIONS, "Policy")["PolicyDocument"]["Statement"]
    return own
