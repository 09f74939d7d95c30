"""Would AWS have allowed it? Everything that the functions did, held against the templates."""

import json
from typing import Any

from aws_rules.problem import CannotBeJudged
from emulator.clean_environment import ACCOUNT, REGION
from emulator.errors import RehearsalError
from emulator.iam import network, recorded
from emulator.iam.alarms import announcements
from emulator.iam.template import Deployment
from emulator.iam.verdict import Judge, Nodes
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal


def judge(rehearsal: Rehearsal, since: float | None = None) -> str:
    """RehearsalError with a sentence for each call, connection or message that AWS would refuse.

    Judged is what happened ``since`` a POSIX time, or since the stacks were created: their earlier
    life had its own judgement.
    """
    deployment = Deployment(
        {stack: rehearsal.cdk.template(stack) for stack in rehearsal.cdk.stacks},
        account=ACCOUNT,
        region=REGION,
        physical_ids={
            (found.stack, found.logical_id): found.physical_id for found in resources(rehearsal)
        },
    )
    context = json.loads((rehearsal.checkout.folder / "cdk.context.json").read_text())
    return judge_deployment(rehearsal, deployment, context, since=since or _created(rehearsal))


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
