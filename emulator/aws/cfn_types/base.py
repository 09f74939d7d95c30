"""CloudFormation resource types of ours, and their registration with the embedded AWS."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from emulator.aws.patches import cloudformation

Properties = dict[str, Any]
Attributes = dict[str, Any]
Created = tuple[str, Attributes]  # what `Ref` gives, and what `Fn::GetAtt` gives
Namer = Callable[..., str]


class ResourceType(ABC):
    """One type: its handlers call the service's own API, so the service judges the values.

    A type for which `DeletionPolicy: Snapshot` means something has a method `snapshot` too, which
    is called right before `delete` when the policy asks for it.
    """

    name: ClassVar[str]
    create_only: ClassVar[tuple[str, ...]]
    custom_name: ClassVar[str | None] = None

    @abstractmethod
    def create(self, properties: Properties, named: Namer, /) -> Created:
        """Create it; `named(max_len=…)` generates a physical name."""

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties, /) -> Attributes:
        """Update it in place and return its attributes."""

    @abstractmethod
    def delete(self, physical_id: str, properties: Properties, /) -> None:
        """Delete it; one that is gone already is no error."""


class Setting(ResourceType):
    """A property of another resource: creation and update both set it."""

    key: ClassVar[str]  # the property that names the other resource

    @abstractmethod
    def set(self, properties: Properties, /) -> None:
        """Set it as a whole."""

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the other resource's id."""
        self.set(properties)
        return properties[self.key], {"Id": properties[self.key]}

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Attributes:
        """As at creation."""
        self.set(new)
        return {"Id": physical_id}


def register(kind: ResourceType) -> None:
    """Make the embedded CloudFormation deploy this type through `kind`."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        def named(max_len: int = 128) -> str:
            return cloudformation.resource_name(stack_name, logical_id, max_len=max_len)

        return kind.create(properties, named)

    def update(physical_id: str, old: Properties, new: Properties, _stack: str) -> Created:
        return physical_id, kind.update(physical_id, old, new)

    handler: dict[str, Any] = {"create": create, "update": update, "delete": kind.delete}
    if snapshot := getattr(kind, "snapshot", None):
        handler["snapshot"] = snapshot
    cloudformation.register(
        kind.name, handler, create_only=kind.create_only, custom_name=kind.custom_name
    )


def tags_of(properties: Properties) -> dict[str, str]:
    """The `Tags` property, a list of Key and Value, as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}


def is_true(value: object) -> bool:
    """A boolean property, which a template may carry as the text "true"."""
    return str(value).lower() == "true"
