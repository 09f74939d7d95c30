"""Our stacks as CloudFormation knows them: what they made, and what their templates ask for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.aws_calls import ask, every


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


def _resources(client: Any, stack: str) -> Iterator[Made]:
    template = ask(client.get_template, f"read the template of {stack}", StackName=stack)
    asked = template["TemplateBody"]["Resources"]
    doing = f"list the resources of {stack}"
    summaries = "StackResourceSummaries"
    for one in every(client.list_stack_resources, doing, summaries, StackName=stack):
        name, physical_id = one["LogicalResourceId"], one.get("PhysicalResourceId", "")
        properties = asked.get(name, {}).get("Properties", {})
        yield Made(stack, name, one["ResourceType"], physical_id, properties)
