"""Which changes do harm, by judges that know nothing of the rules of tools/impact.

The emulator's judges of path, permission and alarm, and CloudFormation's own list of what replaces
a resource. What none of them can judge is unknown, and counts neither way.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aws_rules.iam import Caller, CannotBeJudged, Policy, Request, consult
from aws_rules.metric_math import MetricMathError, Missing
from emulator.cloudwatch.evaluation import State, next_state
from emulator.cloudwatch.evaluator import Alarm, read
from emulator.iam import network
from emulator.iam.actions import Call
from emulator.iam.alarms import silenced
from emulator.iam.authorization import Authorization
from emulator.iam.reference import ACTIONS
from emulator.iam.template import Deployment
from emulator.iam.verdict import Connection, Judge, Nodes
from tests.support import Document, Stacks, schema_of

ACCOUNT, REGION, HOST, PORT = "111122223333", "us-east-1", "redis.example", 6379
STRANGER = Caller("444455556666", role="arn:aws:iam::444455556666:role/stranger")
_SPECS = "cfnlint/data/AdditionalSpecs/StatefulResources.json"  # without importing cfn-lint
_STATEFUL = Path(str(distribution("cfn-lint").locate_file(_SPECS))).read_text()
STATEFUL = frozenset(json.loads(_STATEFUL)["ResourceTypes"])
# What each type's resources are asked for.
ASKED = {
    "AWS::ElastiCache::ReplicationGroup": (
        "elasticache:DeleteReplicationGroup",
        "elasticache:DescribeReplicationGroups",
        "elasticache:ModifyReplicationGroup",
    ),
    "AWS::SecretsManager::Secret": (
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:DescribeSecret",
    ),
    "AWS::KMS::Key": ("kms:Decrypt", "kms:ScheduleKeyDeletion"),
    "AWS::SNS::Topic": ("sns:Publish",),
    "AWS::Lambda::Function": ("lambda:InvokeFunction",),
    "AWS::S3::Bucket": ("s3:GetBucketPolicy",),
    "AWS::SSM::Parameter": ("ssm:PutParameter",),
}
_PARAMETERS = {
    "elasticache": "ReplicationGroupId",
    "secretsmanager": "SecretId",
    "sns": "TopicArn",
    "lambda": "FunctionName",
    "s3": "Bucket",
    "ssm": "Name",
}
_ADDRESSES = {"secretsmanager": "SECRETS_MANAGER", "elasticache": "ELASTICACHE"}


class Facts:
    """What the judges say of one side."""

    def __init__(self, stacks: Stacks, context: Mapping[str, Any]) -> None:
        self._context = context
        self.bodies = {name: _present(stack.body) for name, stack in stacks.items()}
        self.deployment = Deployment(self.bodies, account=ACCOUNT, region=REGION)
        self._authorization = Authorization(self.deployment)

    @cached_property
    def allowed(self) -> frozenset[tuple[str, str, str]]:
        """Who may do what, and on what: roles, and a stranger from another account."""
        roles = [self.deployment.arn(one) for one in self.deployment.of_kind("AWS::IAM::Role")]
        found = set()
        for kind, actions in ASKED.items():
            for resource in self.deployment.of_kind(kind):
                arn = (
                    f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:"
                    f"{self.deployment.id(resource)}"
                    if "ElastiCache" in kind
                    else f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{self.deployment.id(resource)}"
                    if "SSM" in kind
                    else self.deployment.arn(resource)
                )
                for action in actions:
                    request = Request(action, arn, {"aws:SecureTransport": "true"})
                    principals = [
                        role
                        for role in roles
                        if not self._authorization.refusal_to_role(role, request)
                    ]
                    found |= {(role, action, arn) for role in principals}
                    if self._open_to_strangers(resource.raw, request):
                        found.add(("a stranger", action, arn))
        return frozenset(found)

    def _open_to_strangers(self, raw: Document, request: Request) -> bool:
        policies = [Policy("own", raw["KeyPolicy"])] if "KeyPolicy" in raw else []
        for kind, document in (
            ("AWS::SNS::TopicPolicy", "PolicyDocument"),
            ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
        ):
            policies += [
                Policy(str(one), self.deployment.get(one, document))
                for one in self.deployment.of_kind(kind)
            ]
        said = consult(policies, request, STRANGER, of_identity=False)
        return bool(said.allows or said.unclear_allows) and not said.denies

    def refused(self, calls: list[Call], connections: list[Connection]) -> set[str]:
        """What the functions did on the other side and could not do here, and silent alarms."""
        group = self.deployment.of_kind("AWS::ElastiCache::ReplicationGroup")[0]
        nodes = Nodes(
            "the group",
            tuple(self.deployment.get(group, "SecurityGroupIds")),
            self.deployment.get(group, "CacheSubnetGroupName"),
        )
        judge = Judge(self.deployment, network.read(self.deployment, self._context), {HOST: nodes})
        return {*judge.findings(calls, connections), *silenced(self.deployment)}

    def made(self) -> tuple[list[Call], list[Connection]]:
        """The calls that each function is allowed, by the address that its environment names."""
        calls = []
        for function in self.deployment.of_kind("AWS::Lambda::Function"):
            arn, role = self.deployment.arn(function), self.deployment.get(function, "Role")
            variables = function.raw.get("Environment", {}).get("Variables", {})
            for who, action, resource in sorted(self.allowed):
                service, _, name = action.partition(":")
                if who == role and name in ACTIONS.get(service, {}):
                    last = resource.rpartition(":")[2] if service == "elasticache" else resource
                    url = variables.get(f"AWS_ENDPOINT_URL_{_ADDRESSES.get(service)}", "")
                    host = urlsplit(self.deployment.resolve(function.stack, url)).hostname or ""
                    calls.append(Call(arn, role, action, {_PARAMETERS[service]: (last,)}, host))
        inside = sorted({call.function for call in calls if call.address})
        return calls, [Connection(one, HOST, PORT) for one in inside]

    @cached_property
    def security_group_rules(self) -> frozenset[Any]:
        """Every rule of every security group."""
        found = network.read(self.deployment, self._context)
        return frozenset(
            (group.id, rule)
            for group in found.groups.values()
            for rule in (*group.ingress, *group.egress)
        )

    @cached_property
    def alarms(self) -> dict[str, Document]:
        """Each alarm by name, as DescribeAlarms would give it."""
        found = {}
        for one in self.deployment.of_kind("AWS::CloudWatch::Alarm"):
            described = self.deployment.resolve(one.stack, one.raw)
            described.setdefault("AlarmName", one.logical_id)
            found[described["AlarmName"]] = {**described, "StateValue": "OK"}
        return found


def harm(base: Facts, head: Facts) -> Iterator[str]:
    """Why a change is harmful; CannotBeJudged where a judge cannot tell."""
    yield from _lost(base, head)
    yield from (f"may now: {one}" for one in head.allowed - base.allowed)
    yield from (
        f"a rule differs: {one}" for one in head.security_group_rules ^ base.security_group_rules
    )
    calls, connections = base.made()
    yield from head.refused(calls, connections) - base.refused(calls, connections)
    for name, alarm in base.alarms.items():
        other = head.alarms.get(name)
        if other != alarm and (not other or _spoken(alarm, alarm) != _spoken(other, alarm)):
            yield f"the alarm {name} does not fire as it did"


def _lost(base: Facts, head: Facts) -> Iterator[str]:
    for stack, body in base.bodies.items():
        for name, resource in body["Resources"].items():
            after = head.bodies.get(stack, {}).get("Resources", {}).get(name)
            if resource["Type"] in STATEFUL and (
                after is None or after["Type"] != resource["Type"]
            ):
                yield f"{name} is lost"
            elif after and resource["Type"] in STATEFUL:
                schema = schema_of(resource["Type"])
                for path in schema.get("createOnlyProperties", []):
                    one = path.split("/")[2]
                    if resource["Properties"].get(one) != after["Properties"].get(one):
                        yield f"{name} is replaced"


def _spoken(alarm: Document, original: Document) -> list[Any]:
    """The states that an alarm reaches over many figures of the original's metrics, and whom it
    notifies; figures of other metrics are missing."""
    try:
        mine, theirs = read(alarm), read(original)
    except (KeyError, ValueError, TypeError) as reason:
        raise CannotBeJudged(str(reason)) from None
    level = abs(theirs.rule.threshold) or 1.0
    figures = (None, 0.0, level * 0.5, level * 0.99, level * 1.01, level * 2, level * 1000)
    states: list[Any] = [_state(mine, theirs, figure) for figure in figures]
    actions = {state: targets for state, targets in mine.actions.items() if targets}
    return [*states, actions, alarm.get("ActionsEnabled", True)]


def _state(mine: Alarm, theirs: Alarm, figure: float | None) -> list[State]:
    found = []
    for breaching in range(theirs.rule.periods + 1):  # so many of the newest periods
        count = mine.rule.range
        times = [mine.period * number for number in range(count)]
        values = times[count - breaching :] if figure is not None else []
        series = {stat: dict.fromkeys(values, figure or 0.0) for stat in theirs.stats.values()}
        try:
            state = next_state(mine.rule, mine.figure(series, times, Missing.ZERO), State.OK)
        except (MetricMathError, KeyError, ValueError) as reason:
            raise CannotBeJudged(str(reason)) from None
        found.append(state)
    return found


def _present(body: Document) -> Document:
    """The template without the resources whose condition is false."""

    def false(name: str) -> bool:
        match body.get("Conditions", {}).get(name):
            case {"Fn::Equals": [str() as one, str() as other]}:
                return one != other
        return False

    kept = {
        name: resource
        for name, resource in body["Resources"].items()
        if not false(str(resource.get("Condition")))
    }
    return {**body, "Resources": kept}
