"""What CloudFormation says it deployed, beside what the template asked for."""

import json
from collections.abc import Iterator
from typing import Any

from emulator.aws.waiting import wait_until
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.resource import Resource

_UPDATED = 120  # seconds


def resources(rehearsal: Rehearsal, kind: str | None = None) -> Iterator[Resource]:
    """Every resource that stands in a deployed stack, or those of one type."""
    for stack in rehearsal.cdk.stacks:
        asked = rehearsal.cdk.template(stack)["Resources"]
        pages = rehearsal.aws("cloudformation").get_paginator("list_stack_resources")
        for page in pages.paginate(StackName=stack):
            for found in page["StackResourceSummaries"]:
                if kind in (None, found["ResourceType"]):
                    template = asked[found["LogicalResourceId"]]
                    yield Resource(
                        stack=stack,
                        logical_id=found["LogicalResourceId"],
                        kind=found["ResourceType"],
                        physical_id=found["PhysicalResourceId"],
                        properties=template.get("Properties", {}),
                        deletion_policy=template.get("DeletionPolicy", "Delete"),
                    )


def only(rehearsal: Rehearsal, kind: str, part: str = "") -> Resource:
    """The one resource of this type, in the stack whose name ends with `part` if that is given."""
    (found,) = (each for each in resources(rehearsal, kind) if each.stack.endswith(part))
    return found


def variables_of(rehearsal: Rehearsal, function: str) -> dict[str, str]:
    """A deployed function's environment variables."""
    found = rehearsal.aws("lambda").get_function_configuration(FunctionName=function)
    return dict(found["Environment"]["Variables"])


def give(rehearsal: Rehearsal, function: str, variables: dict[str, str]) -> None:
    """Give a function other variables, and wait until its next invocation has them."""
    client = rehearsal.aws("lambda")
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )

    def updated() -> bool | None:
        found = client.get_function_configuration(FunctionName=function)
        return found["LastUpdateStatus"] == "Successful" or None

    wait_until(updated, seconds=_UPDATED, what=f"{function} is updated")


def said_by(rehearsal: Rehearsal, function: str, since: int) -> dict[str, Any] | None:
    """The first document that a function wrote to its log since that many milliseconds."""
    events = rehearsal.aws("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{function}", startTime=since
    )["events"]
    lines = [event["message"] for event in events if event["message"].startswith("{")]
    return json.loads(lines[0]) if lines else None
