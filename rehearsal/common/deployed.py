"""What CloudFormation says it deployed, beside what the template asked for."""

from collections.abc import Iterator

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.resource import Resource


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
