"""Everything that an environment's stacks hold on one side of a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from tools.assembly import Stack
from tools.review.schemas import stateful_kinds
from tools.review.values import Reader, references

KEEPS = ("Retain", "Snapshot")


class Address(NamedTuple):
    """Where a resource stands: its stack's name and its logical id."""

    stack: str
    name: str


@dataclass(frozen=True)
class Resource:
    """A resource as its template has it, its properties in comparable form."""

    address: Address
    kind: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def on_deletion(self) -> str:
        """Its DeletionPolicy once it is there; CloudFormation's default is Delete."""
        policy = str(self.attributes.get("DeletionPolicy", "Delete"))
        return policy.removesuffix("ExceptOnCreate")

    @property
    def on_replacement(self) -> str:
        """Its UpdateReplacePolicy; CloudFormation's default is Delete."""
        return str(self.attributes.get("UpdateReplacePolicy", "Delete"))


class Estate:
    """The resources of all stacks, and which of them data rests on."""

    def __init__(self, stacks: Mapping[str, Stack]) -> None:
        """``stacks`` are one environment's, by name."""
        self.stacks = stacks
        reader = Reader(stacks)
        self.resources: dict[Address, Resource] = {}
        for stack in stacks.values():
            for name, body in stack.resources.items():
                address = Address(stack.name, name)
                self.resources[address] = Resource(
                    address,
                    body["Type"],
                    reader.plain(stack.name, dict(body.get("Properties", {}))) or {},
                    {key: value for key, value in body.items() if key != "Properties"},
                )

    def referred_by(self, address: Address) -> set[Address]:
        """The resources that a resource's properties refer to, in any stack."""
        found = {Address(*place) for place in references(self.resources[address].properties)}
        return {one for one in found if one in self.resources and one != address}

    @cached_property
    def stateful(self) -> set[Address]:
        """Resources whose loss is a loss of data.

        Those of a type that cfn-lint's or the CDK's own tables call stateful, and those that their
        template itself asks to be kept or to leave a snapshot.
        """
        return {
            address
            for address, resource in self.resources.items()
            if resource.kind in stateful_kinds()
            or resource.on_deletion in KEEPS
            or resource.on_replacement in KEEPS
        }

    @cached_property
    def foundations(self) -> set[Address]:
        """What stateful resources refer to, directly or through others: they cannot do without."""
        found: set[Address] = set()
        ahead = set(self.stateful)
        while ahead:
            ahead = set().union(*(self.referred_by(address) for address in ahead)) - found
            found |= ahead
        return found - self.stateful
