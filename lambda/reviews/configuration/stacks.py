"""Our stacks as CloudFormation knows them: what they made, and what their templates ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.aws_calls import ask


@dataclass(frozen=True)
class Made:
    """One resource: its place in the template and what AWS calls it."""

    stack: str
    logical_id: str
    kind: str
    physical_id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Stacks:
    """All resources of an environment's stacks."""

    names: tuple[str, ...]
    resources: tuple[Made, ...]

    def of(self, kind: str) -> list[Made]:
        """Every resource of a type."""
        return [made for made in self.resources if made.kind == kind]

    def ids(self, kind: str) -> set[str]:
        """What AWS calls the resources of a type."""
        return {made.physical_id for made in self.of(kind)}


def read_stacks(cloudformation: Any, names: Iterable[str]) -> Stacks:
    """The stacks of these names. Raises what ``ask`` raises."""
    named = tuple(names)
    return Stacks(named, tuple(made for name in named for made in _resources(cloudformation, name)))


def _resources(client: Any, stack: str) -> list[Made]:
    template = ask(client.get_template, f"read the template of {stack}", StackName=stack)
    asked = template["TemplateBody"]["Resources"]
    made: list[Made] = []
    page: dict[str, str] = {}
    while True:
        answer = ask(
            client.list_stack_resources, f"list the resources of {stack}", StackName=stack, **page
        )
        for found in answer["StackResourceSummaries"]:
            properties = asked.get(found["LogicalResourceId"], {}).get("Properties", {})
            made.append(
                Made(
                    stack,
                    found["LogicalResourceId"],
                    found["ResourceType"],
                    found.get("PhysicalResourceId", ""),
                    properties,
                )
            )
        if not answer.get("NextToken"):
            return made
        page = {"NextToken": answer["NextToken"]}
