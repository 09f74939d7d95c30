"""An account that answers with the fields that every sample of AWS's has, and commands on it."""

import io
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.client import BaseClient
from botocore.validate import ParamValidator

from environments import load as settings_files
from shared.login import Logins
from tests.emulator import sampled
from tests.support import PLAN, ROOT, Document
from tools import deploy_guard, scale
from tools.adopt import login
from tools.assembly import Stack
from tools.change_sets import prepare, record
from tools.command import ended
from tools.settings_file import edited

DATA, ID = "vibewell-redis-production-data", "vibewell-redis"
TEMPLATE = json.loads((ROOT / f"tests/snapshots/{DATA}.json").read_text())
CLOUDFORMATION: Any = boto3.client("cloudformation", "us-east-1")
STACK = Stack(DATA, TEMPLATE, {"properties": {}}, [])
HEALTH: Document = {"group": ID, "time": "now", "passed": True, "checks": []}
HEALTH["checks"] = [{"name": "it", "passed": True, "found": "it", "wanted": "it", "todo": ""}]
TOKEN = "t" * 32
MOMENT = "2026-11-01T12:00:00+00:00"  # of every time in these answers

# By operation: an error's code, or values by path, where None leaves the field out; or a function
# of the request that returns one of these.
Answers = Mapping[str, Any]


def group(**more: object) -> Document:
    values = {"ReplicationGroupId": ID, "Status": "available", **more}
    return {GROUPS: {f"ReplicationGroups[].{name}": value for name, value in values.items()}}


def stack(status: str, *events: tuple[str, ...], **more: object) -> Document:
    """The data stack. An event is the resource, or the stack as "data", its status, its reason."""
    values = {"StackName": DATA, "StackId": "data", "StackStatus": status, **more}
    described = [
        {"LogicalResourceId": name, "StackId": "data", "ResourceStatus": state}
        | {"PhysicalResourceId": "" if state == "CREATE_FAILED" else name}
        | {"ResourceType": "AWS::KMS::Key" if name == "Key" else "AWS::SNS::Topic"}
        | ({"ResourceStatusReason": reason[0]} if reason else {})
        for name, state, *reason in events
    ]
    return {
        STACKS: {f"Stacks[].{name}": value for name, value in values.items()},
        "cloudformation:DescribeStackEvents": {"StackEvents": described},
    }


GROUPS, STACKS = "elasticache:DescribeReplicationGroups", "cloudformation:DescribeStacks"
GONE = {GROUPS: "ReplicationGroupNotFoundFault"}
ACTIVE_USER = {"Users[].Status": "active", "Users[].Authentication.PasswordCount": 1}
UPDATE = {"UpdateActions[].ServiceUpdateType": "security-update"}
ACTIONS, STATUS = "elasticache:DescribeUpdateActions", "UpdateActions[].UpdateActionStatus"
ANSWERS: Document = {
    **group(),
    **stack("UPDATE_COMPLETE"),
    "sts:GetCallerIdentity": {"Account": "111122223333", "Arn": "arn:aws:iam::1:user/a"},
    "cloudformation:GetTemplate": {"TemplateBody": TEMPLATE},
    "cloudformation:ListStackResources": {
        "StackResourceSummaries": [
            {"LogicalResourceId": name, "PhysicalResourceId": f"physical-{name}"}
            for name in TEMPLATE["Resources"]
        ]
    },
    "cloudformation:DescribeChangeSet": {
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes[].ResourceChange.Action": "Modify",
    },
    "elasticache:DescribeCacheClusters": {
        "CacheClusters[].Engine": "redis",
        "CacheClusters[].EngineVersion": "6.2.6",
        "CacheClusters[].SecurityGroups": [{"SecurityGroupId": "sg-0123456789abcdef0"}],
        "CacheClusters[].CacheNodeType": "cache.t3.medium",
        "CacheClusters[].PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
    },
    "elasticache:DescribeUsers": ACTIVE_USER,
    "elasticache:DescribeUserGroups": {"UserGroups[].Status": "active"},
    "elasticache:DescribeSnapshots": {
        "Snapshots[].SnapshotName": "kept",
        "Snapshots[].SnapshotStatus": "available",
        "Snapshots[].SnapshotSource": "automated",
        "Snapshots[].Engine": "redis",
        "Snapshots[].EngineVersion": "6.2.6",
        "Snapshots[].CacheClusterId": f"{ID}-001",
    },
    "elasticache:CopySnapshot": {"Snapshot": {"SnapshotName": "copy"}},
    ACTIONS: UPDATE | {STATUS: "not-applied"},
    "secretsmanager:DescribeSecret": {"VersionIdsToStages": {"v": ["AWSCURRENT"]}},
    "secretsmanager:GetSecretValue": {"SecretString": TOKEN},
    "lambda:Invoke": HEALTH,
    "ssm:GetParametersByPath": {
        "Parameters[].Name": "/vibewell/production/redis/REDIS_URL",
        "Parameters[].Value": "memory://minimal",
    },
}
OWNERS: Document = group(
    TransitEncryptionEnabled=True,
    AuthTokenEnabled=True,
    AutomaticFailover="enabled",
    NodeGroups=[
        {
            "PrimaryEndpoint": {"Address": "a.example.com", "Port": 6379},
            "NodeGroupMembers": [{}] * 3,
        }
    ],
)
OWNERS |= {"cloudformation:DescribeStackResources": "ValidationError", STACKS: "ValidationError"}
SWITCHED = OWNERS | {GROUPS: OWNERS[GROUPS] | {"ReplicationGroups[].UserGroupIds": [f"{ID}-users"]}}

MAKES = {"elasticache:CreateReplicationGroup": group()}


class Case(NamedTuple):
    """A command on an account; ``after`` is what else is so once an operation was called.

    Several values of an operation are so one after the other, the last one from then on.
    """

    run: Callable[[list[str]], int]
    arguments: str
    says: str
    answers: Answers = MappingProxyType({})
    after: Mapping[str, Answers] = MappingProxyType({})
    status: int = 0
    settings: Mapping[str, Any] = MappingProxyType({})


def case(work: Callable[[], object], answers: Answers) -> Case:
    """Work of ours as if it were a command, which prints what it returns."""

    def main(_: list[str]) -> int:
        return ended(lambda: print(work()) or 0, "it", interrupted="-")

    return Case(main, "", "", answers)


class Ended(NamedTuple):
    """How a command ended: what it printed, each call with its request, and each pause."""

    status: int
    said: str
    called: list[tuple[str, Document]]
    slept: list[float]

    @property
    def changes(self) -> list[str]:
        """The operations that change something."""
        return [name for name, _ in self.called if not re.search(":(Describe|Get|List)", name)]

    def request(self, operation: str) -> Document:
        """The request of the one call of an operation."""
        (asked,) = [asked for name, asked in self.called if name == operation]
        return asked


Run = Callable[..., Ended]


def always(operation: str) -> set[str]:
    """The fields that each sample has which has the structure that they are in."""
    samples = [
        {*sample["fields"]}
        for sample in sampled.DOCUMENT["answers"][operation]
        if "abbreviated" not in sample["source"]
    ]
    return {
        path
        for path in set[str]().union(*samples) - {"Marker", "NextToken"}
        if all(
            path in fields
            for fields in samples
            if any(one.startswith(f"{path.rpartition('.')[0]}.") for one in fields)
            or "." not in path
        )
    }


def answer(operation: str, values: Document) -> Document:
    """The minimal answer, with these values of fields that some sample has."""
    samples = sampled.DOCUMENT["answers"].get(operation)
    if samples is None:  # our code reads nothing of it
        return values
    known = {path for sample in samples for path in sample["fields"]}
    unknown = values.keys() - known - sampled.DOCUMENT["unproven"].get(operation, {}).keys()
    if unknown:
        pytest.fail(f"{operation}: no sample has {unknown}")
    left_out = {path for path, value in values.items() if value is None}
    found = sampled.answer(operation, (always(operation) | values.keys()) - left_out)
    for path in values.keys() - left_out:
        *way, last = path.replace("[]", ".0").split(".")
        structure: Any = found
        for step in way:
            structure = structure[int(step) if step.isdecimal() else step]
        structure[last] = values[path]
    return found


def _noted(slept: list[float]) -> Callable[[float], None]:
    ours, sleep = threading.current_thread(), time.sleep

    def no_sleep(seconds: float) -> None:
        # Another thread would never rest again.
        slept.append(seconds) if threading.current_thread() is ours else sleep(seconds)

    return no_sleep


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a case: its status, and what it prints. Nothing sleeps, and nothing reaches Redis."""
    file = tmp_path / "environments" / "production.toml"
    file.parent.mkdir()
    file.write_text((PLAN / "environments" / "production.toml").read_text())
    (tmp_path / "cdk.context.json").write_text((PLAN / "cdk.context.json").read_text())
    monkeypatch.setattr(settings_files, "FOLDER", file.parent)
    monkeypatch.chdir(tmp_path)
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", _noted(slept))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    monkeypatch.setattr("tools.command.FAULT", tmp_path / "fault.txt")
    monkeypatch.setattr(deploy_guard, "stacks_here", lambda _: {DATA: STACK})
    monkeypatch.setattr(
        login, "try_tokens", lambda _, tokens: Logins(dict.fromkeys(tokens, True), open=False)
    )
    for module in (prepare, scale):
        monkeypatch.setattr(module, "own_assembly", lambda _: nullcontext(tmp_path))
        monkeypatch.setattr(module, "read", lambda _: {DATA: STACK})
        monkeypatch.setattr(module, "run", lambda *_: (0, ""))
    record.save(record.Record("production", (record.Prepared(DATA, "arn", MOMENT),)))

    def run(case: Case, **changed: Any) -> Ended:
        called: list[tuple[str, Document]] = []
        given = {**ANSWERS, **case.answers}
        for operation, values in changed.items():
            operation = operation.replace("__", ":")
            given[operation] = given[operation] | values

        def call(client: Any, name: str, asked: Document) -> Document:
            operation = f"{client.meta.service_model.service_name}:{name}"
            called.append((operation, asked))
            takes = client.meta.service_model.operation_model(name).input_shape
            if takes and (wrong := ParamValidator().validate(asked, takes).generate_report()):
                pytest.fail(f"{operation}: {wrong}")  # which no command catches, as it would assert
            values = given.get(operation, {})
            if isinstance(values, list):
                values, given[operation] = values[0], values[1:] or values[0]
            given.update(case.after.get(operation, {}))
            values = values(asked) if callable(values) else values
            if isinstance(values, str):
                error = {"Error": {"Code": values, "Message": "it does not exist"}}
                raise client.exceptions.from_code(values)(error, name)
            if operation == "lambda:Invoke":
                more = {key: values[key] for key in (values or {}).keys() & {"FunctionError"}}
                return {"Payload": io.BytesIO(json.dumps(values).encode()), **more}
            return answer(operation, values)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)
        if case.settings:
            file.write_text(edited(file.read_text(), case.settings))
        status = case.run([part.strip("-") for part in case.arguments.split()])
        return Ended(status, "".join(capsys.readouterr()), called, slept)

    return run
