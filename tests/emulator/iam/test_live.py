"""A function that really runs on the embedded AWS: what it does is recorded, and judged."""

import copy
import json
import textwrap
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from constructs.common.service_endpoints import own_address
from emulator.iam.template import Deployment
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import judge_deployment
from tests.emulator.aws.helpers import Stacks, eventually
from tests.emulator.iam.example import (
    ACCOUNT,
    DATA,
    OPERATIONS,
    REGION,
    Template,
    allow,
    att,
    properties,
    ref,
    resource,
    statements,
    templates,
)

GROUP = "vibewell-access"
CODE = """
    import os
    import socket

    import boto3

    def handle(event, context):
        secrets = boto3.client("secretsmanager")
        token = secrets.get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
        secrets.put_secret_value(
            SecretId=os.environ["SECRET"], SecretString=token, VersionStages=["AWSPENDING"])
        groups = boto3.client("elasticache").describe_replication_groups(
            ReplicationGroupId=event["group"])
        boto3.client("cloudwatch").put_metric_data(
            Namespace="Rotation", MetricData=[{"MetricName": "Age", "Value": 1}])
        node = groups["ReplicationGroups"][0]["NodeGroups"][0]["PrimaryEndpoint"]
        socket.create_connection((node["Address"], node["Port"]), timeout=60).close()
        return "done"
"""


def whole() -> Template:
    """Both stacks of the example in one, with code that runs, and a group of real nodes.

    Secrets Manager is called by its endpoint's own name, the other services by their public ones.
    """
    made = templates()
    properties(made, OPERATIONS, "Function").update(
        Handler="index.handle",
        Timeout=30,
        Code={"ZipFile": textwrap.dedent(CODE)},
        Environment={
            "Variables": {
                "SECRET": ref("Secret"),
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": own_address(
                    "Secretsmanager", f"secretsmanager.{REGION}.vpce.amazonaws.com"
                ),
            }
        },
    )
    properties(made, DATA, "Secretsmanager")["PrivateDnsEnabled"] = False
    properties(made, OPERATIONS, "Role")["AssumeRolePolicyDocument"] = {"Statement": []}
    statements(made).append(
        allow(
            "cloudwatch:PutMetricData",
            Condition={"StringEquals": {"cloudwatch:namespace": "Rotation"}},
        )
    )
    properties(made, DATA, "Subnets").update(
        CacheSubnetGroupName=f"{GROUP}-subnets", Description="Private subnets"
    )
    resources = made[DATA]["Resources"] | made[OPERATIONS]["Resources"]
    resources["Monitoring"] = copy.deepcopy(resources["Elasticache"])
    resources["Monitoring"]["Properties"]["ServiceName"] = f"com.amazonaws.{REGION}.monitoring"
    resources["Secret"]["Properties"]["GenerateSecretString"] = {"ExcludePunctuation": True}
    for number, name in enumerate(("SubnetA", "SubnetB")):
        resources[name]["Properties"]["AvailabilityZone"] = f"{REGION}{'ab'[number]}"
    for name in ("FunctionGroup", "EndpointGroup", "RedisGroup"):
        resources[name]["Properties"]["GroupDescription"] = name
    resources["Redis"] = resource(
        "ElastiCache::ReplicationGroup",
        ReplicationGroupId=GROUP,
        ReplicationGroupDescription="Nodes",
        CacheNodeType="cache.t3.medium",
        Engine="redis",
        EngineVersion="6.2",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        TransitEncryptionEnabled=True,
        CacheSubnetGroupName=ref("Subnets"),
        SecurityGroupIds=[att("RedisGroup", "GroupId")],
        Port=6379,
    )
    text = json.dumps({"Resources": resources})
    exports = {f"data:{name}": output["Value"] for name, output in made[DATA]["Outputs"].items()}
    for name, value in exports.items():
        text = text.replace(json.dumps({"Fn::ImportValue": name}), json.dumps(value))
    found: Template = json.loads(text)
    return found


@pytest.fixture(scope="module")
def ran(embedded_aws: Rehearsal) -> Iterator[tuple[str, float]]:
    """The stack's name, after its function was invoked, and the time before that."""
    began, stacks = time.time(), Stacks(embedded_aws.aws)
    name = stacks.create(whole()["Resources"], name=f"access-{uuid.uuid4().hex[:8]}")
    assert stacks.status(name) == "CREATE_COMPLETE", stacks.reasons(name)
    client = embedded_aws.aws("elasticache")
    eventually(
        lambda: (
            client.describe_replication_groups(ReplicationGroupId=GROUP)["ReplicationGroups"][0][
                "Status"
            ]
            == "available"
        ),
        "the group is available",
    )
    answer = embedded_aws.aws("lambda").invoke(
        FunctionName=stacks.physical_id(name, "Function"), Payload=json.dumps({"group": GROUP})
    )
    assert json.load(answer["Payload"]) == "done"
    yield name, began
    stacks.clean_up()


def judged(rehearsal: Rehearsal, ran: tuple[str, float], template: Template) -> str:
    name, began = ran
    pages = rehearsal.aws("cloudformation").get_paginator("list_stack_resources")
    ids = {
        (name, found["LogicalResourceId"]): found["PhysicalResourceId"]
        for page in pages.paginate(StackName=name)
        for found in page["StackResourceSummaries"]
    }
    deployment = Deployment({name: template}, account=ACCOUNT, region=REGION, physical_ids=ids)
    return judge_deployment(rehearsal, deployment, {}, since=began)


def test_what_a_function_did_is_recorded_and_allowed(
    embedded_aws: Rehearsal, ran: tuple[str, float]
) -> None:
    found = judged(embedded_aws, ran, whole())
    assert found == "1 functions, 4 calls, 1 connections, 0 alarms to a topic"


def without_permission(template: Template) -> None:
    policy = template["Resources"]["Policy"]["Properties"]["PolicyDocument"]
    policy["Statement"][0]["Action"].remove("secretsmanager:PutSecretValue")


def without_ingress(template: Template) -> None:
    del template["Resources"]["FunctionToRedis"]


def without_endpoint(template: Template) -> None:
    del template["Resources"]["Elasticache"]


def without_address(template: Template) -> None:
    variables = template["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    del variables["AWS_ENDPOINT_URL_SECRETS_MANAGER"]


def without_namespace(template: Template) -> None:
    policy = template["Resources"]["Policy"]["Properties"]["PolicyDocument"]
    policy["Statement"][-1]["Condition"]["StringEquals"]["cloudwatch:namespace"] = "Other"


@pytest.mark.parametrize(
    ("remove", "reason"),
    [
        (without_permission, "needs secretsmanager:PutSecretValue on"),
        (without_ingress, f"cannot reach {GROUP} on port 6379"),
        (without_endpoint, "cannot reach elasticache: its subnets have no way out"),
        (without_address, "cannot reach secretsmanager: its subnets have no way out"),
        (without_namespace, "needs cloudwatch:PutMetricData: no statement of its role"),
    ],
)
def test_the_rehearsal_fails_with_one_thing_removed(
    embedded_aws: Rehearsal, ran: tuple[str, float], remove: Any, reason: str
) -> None:
    template = whole()
    remove(template)
    with pytest.raises(RehearsalError, match="AWS would refuse this") as failure:
        judged(embedded_aws, ran, template)
    (finding,) = str(failure.value).splitlines()[1:]
    assert reason in finding


def test_no_value_of_a_secret_is_recorded(embedded_aws: Rehearsal, ran: tuple[str, float]) -> None:
    name, _ = ran
    secret = embedded_aws.aws("cloudformation").describe_stack_resource(
        StackName=name, LogicalResourceId="Secret"
    )["StackResourceDetail"]["PhysicalResourceId"]
    value = embedded_aws.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert value not in json.dumps(embedded_aws.ask("calls"))
    assert value not in json.dumps(embedded_aws.ask("connections"))
