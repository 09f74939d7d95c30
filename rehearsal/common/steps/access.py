"""Would AWS have allowed it? Everything that the functions did, held against the templates."""

import json
from collections.abc import Mapping
from typing import Any

from aws_rules.problem import CannotBeJudged
from emulator.clean_environment import ACCOUNT, REGION
from emulator.iam import network, recorded
from emulator.iam.alarms import announcements
from emulator.iam.template import Deployment
from emulator.iam.verdict import Judge, Nodes
from rehearsal.common.deployed import resources
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal


def judge(rehearsal: Rehearsal, since: float | None = None) -> str:
    """RehearsalError with a sentence for each call, connection or message that AWS would refuse.

    Judged is what happened ``since`` a POSIX time, or since the stacks were created: their earlier
    life had its own judgement.
    """
    deployment, context = as_deployed(rehearsal)
    return judge_deployment(rehearsal, deployment, context, since=since or _created(rehearsal))


def as_deployed(
    rehearsal: Rehearsal, others: Mapping[str, tuple[str, str, dict[str, Any]]] | None = None
) -> tuple[Deployment, dict[str, Any]]:
    """The templates with what CloudFormation made of them, and their cdk.context.json.

    ``others`` has type, id and properties of what is in no template, by a name.
    """
    besides = others or {}
    made = {name: {"Type": kind, "Properties": has} for name, (kind, _, has) in besides.items()}
    deployment = Deployment(
        {stack: rehearsal.cdk.template(stack) for stack in rehearsal.cdk.stacks}
        | {"others": {"Resources": made}},
        account=ACCOUNT,
        region=REGION,
        physical_ids={
            (found.stack, found.logical_id): found.physical_id for found in resources(rehearsal)
        }
        | {("others", name): physical_id for name, (_, physical_id, _) in besides.items()},
    )
    return deployment, json.loads((rehearsal.checkout.folder / "cdk.context.json").read_text())


def judge_deployment(
    rehearsal: Rehearsal, deployment: Deployment, context: dict[str, Any], *, since: float
) -> str:
    """The same for any templates: `context` is their cdk.context.json, `since` a POSIX time."""
    calls, connections = (
        [entry for entry in rehearsal.ask(what) if entry["time"] >= since]
        for what in ("calls", "connections")
    )
    try:
        judging = Judge(deployment, network.read(deployment, context), _nodes(rehearsal))
        findings = judging.findings(recorded.calls(calls), recorded.connections(connections))
        told = len(announcements(deployment))
    except CannotBeJudged as reason:
        raise RehearsalError(f"the templates cannot be judged: {reason}") from reason
    if findings:
        raise RehearsalError("AWS would refuse this:\n- " + "\n- ".join(findings))
    functions = len(deployment.of_kind("AWS::Lambda::Function"))
    return (
        f"{functions} functions, {len(calls)} calls, {len(connections)} connections, "
        f"{told} alarms to a topic"
    )


def _created(rehearsal: Rehearsal) -> float:
    cloudformation = rehearsal.aws("cloudformation")
    found: list[float] = [
        stack["CreationTime"].timestamp()
        for name in rehearsal.cdk.stacks
        for stack in cloudformation.describe_stacks(StackName=name)["Stacks"]
    ]
    return min(found)


def _nodes(rehearsal: Rehearsal) -> dict[str, Nodes]:
    seen: dict[str, dict[str, Any]] = rehearsal.ask("addresses")
    return {
        address: Nodes(found["name"], tuple(found["groups"]), found["subnet_group"])
        for address, found in seen.items()
    }
