"""CloudFormation resource types of ours, which the embedded AWS deploys."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from botocore.exceptions import ClientError

Properties = dict[str, Any]
Created = tuple[str, Properties]  # what `Ref` gives, and what `Fn::GetAtt` gives
Namer = Callable[..., str]
_GONE = ("NotFound", "NotFoundException", "NotFoundFault")


class ResourceType(ABC):
    """One type: its handlers call the service's own API, so the service judges the values.

    A type for which `DeletionPolicy: Snapshot` means something has a method `snapshot` too, which
    is called right before `delete` when the policy asks for it. A change of a property in
    `create_only` replaces the resource; CloudFormation refuses such a replacement while the
    property `custom_name` stays the same.
    """

    name: ClassVar[str]
    create_only: ClassVar[tuple[str, ...]]
    custom_name: ClassVar[str | None] = None

    @abstractmethod
    def create(self, properties: Properties, named: Namer, /) -> Created:
        """Create it; `named(max_len=…)` generates a physical name."""

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties, /) -> Properties:
        """Update it in place and return its attributes."""

    @abstractmethod
    def delete(self, physical_id: str, properties: Properties, /) -> None:
        """Delete it; one that is gone already is no error."""


def tags_of(properties: Properties) -> dict[str, str]:
    """The `Tags` property, a list of Key and Value, as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}


def is_true(value: object) -> bool:
    """A boolean property, which a template may carry as the text "true"."""
    return str(value).lower() == "true"


def unless_gone(call: Callable[..., object], **parameters: Any) -> bool:
    """Call, where the thing may be gone already; whether it was still there."""
    try:
        call(**parameters)
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith(_GONE):
            raise
        return False
    return True
