"""What a CloudFormation resource type is here, and how one is given to the embedded AWS."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from emulator.aws.patches import cloudformation

Properties = dict[str, Any]
Attributes = dict[str, Any]
Namer = Callable[..., str]


class Resource(NamedTuple):
    """What `Ref` and `Fn::GetAtt` give."""

    physical_id: str
    attributes: Attributes


class ResourceType(ABC):
    """One type: its handlers call the service's own API, so the service judges the values."""

    name: ClassVar[str]
    create_only: ClassVar[tuple[str, ...]]
    custom_name: ClassVar[str | None] = None

    @abstractmethod
    def create(self, properties: Properties, named: Namer, /) -> Resource:
        """Create it; `named(max_len=…)` generates a physical name."""

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties, /) -> Attributes:
        """Update it in place and return its attributes."""

    @abstractmethod
    def delete(self, physical_id: str, properties: Properties, /) -> None:
        """Delete it; one that is gone already is no error."""


@runtime_checkable
class Snapshots(Protocol):
    """A type for which `DeletionPolicy: Snapshot` means something."""

    def snapshot(self, physical_id: str, properties: Properties) -> None:
        """Called right before `delete` when the policy asks for a snapshot."""


def register(kind: ResourceType) -> None:
    """Make the embedded CloudFormation deploy this type through `kind`."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        def named(max_len: int = 128) -> str:
            return cloudformation.resource_name(stack_name, logical_id, max_len=max_len)

        return kind.create(properties, named)

    def update(physical_id: str, old: Properties, new: Properties, _stack: str) -> Resource:
        return Resource(physical_id, kind.update(physical_id, old, new))

    handler: dict[str, Any] = {"create": create, "update": update, "delete": kind.delete}
    if isinstance(kind, Snapshots):
        handler["snapshot"] = kind.snapshot
    cloudformation.register(
        kind.name, handler, create_only=kind.create_only, custom_name=kind.custom_name
    )


def tags_of(properties: Properties) -> dict[str, str]:
    """The `Tags` property, a list of Key and Value, as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}


def is_true(value: object) -> bool:
    """A boolean property, which a template may carry as the text "true"."""
    return str(value).lower() == "true"
