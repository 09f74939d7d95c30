"""What a deployment would create, the account as CDK's look-up role reads it, and findings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

import boto3
import jmespath  # type: ignore[import-untyped] # botocore's
from botocore.exceptions import BotoCoreError, ClientError

from environments.network_settings import OwnNetwork
from environments.schema import Settings
from tools.answers import watched
from tools.assembly import Document, Stack
from tools.stacks import template

OK, WARNING, REFUSED = "✓", "!", "✗"


class Finding(NamedTuple):
    """``mark`` is OK, WARNING or REFUSED; ``remedy`` says what to do instead."""

    mark: str
    text: str
    remedy: str = ""

    def shown(self, subject: str) -> str:
        """The line, as an item of a Markdown list: it is read in a workflow's summary too."""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"- {self.mark} {subject}: {self.text}{remedy}"


ok = partial(Finding, OK)  # the precondition holds
warning = partial(Finding, WARNING)  # it could not be read, or what was read does not decide it
refused = partial(Finding, REFUSED)  # the deployment would fail

Resources = Mapping[tuple[str, str], Document]  # by stack and logical id


@dataclass(frozen=True)
class Account:
    """``client`` makes a boto3 client of a service, in a Region if one is given.

    ``before`` are the deployed resources, ``after`` those that the synthesised templates ask for.
    """

    settings: Settings
    stacks: Mapping[str, Stack]
    before: Resources
    client: Callable[..., Any]
    session: boto3.Session
    reader: str  # whose rights ``client`` has, in words

    @classmethod
    def of(cls, settings: Settings, stacks: Mapping[str, Stack], own: boto3.Session) -> "Account":
        """Read with the look-up role where the session may take it, else with its own rights."""
        cloudformation, session = own.client("cloudformation"), own
        before = resources({name: template(cloudformation, name) for name in stacks})
        reader = "your own credentials: CDK's look-up role cannot be assumed"
        for arn in {_look_up_role(stack) for stack in stacks.values()} - {""}:
            try:
                role = own.client("sts").assume_role(RoleArn=arn, RoleSessionName="preflight")
            except (ClientError, BotoCoreError):
                continue
            names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
            keys = [role["Credentials"][name] for name in names]
            session = watched(boto3.Session(*keys, region_name=own.region_name))
            reader = arn.rpartition("/")[2]
        return cls(settings, stacks, before, cache(session.client), own, reader)

    @cached_property
    def after(self) -> Resources:
        """What is deployed afterwards."""
        return resources({name: stack.body for name, stack in self.stacks.items()})

    def created(self, kind: str) -> list[Document]:
        """Properties of each resource of a type that is not deployed."""
        return of_kind({key: self.after[key] for key in self.after.keys() - self.before}, kind)

    def touched(self, kind: str) -> list[Document]:
        """Properties of each that is created, or updated."""
        changed = {
            key: one
            for key, one in self.after.items()
            if key not in self.before or self.before[key].get("Properties") != one.get("Properties")
        }
        return of_kind(changed, kind)

    def names(self, kind: str, key: str) -> set[str]:
        """The values of a naming property that no deployed resource of the type has."""
        before, after = (
            {one[key] for one in of_kind(side, kind) if isinstance(one.get(key), str)}
            for side in (self.before, self.after)
        )
        return after - before

    def search(self, service: str, operation: str, path: str, **asked: Any) -> Iterator[Any]:
        """What a JMESPath finds on every page of an operation's answer, but nulls."""
        client = self.client(service)
        if client.can_paginate(operation):
            found = client.get_paginator(operation).paginate(**asked).search(path)
        else:
            found = jmespath.search(path, getattr(client, operation)(**asked)) or ()
        yield from (one for one in found if one is not None)

    @property
    def vpc_id(self) -> str | None:
        """The VPC that is there already; None where the deployment makes its own."""
        if isinstance(self.settings.network.vpc, OwnNetwork):
            return None
        for group in of_kind(self.after, "AWS::EC2::SecurityGroup"):
            return str(group["VpcId"])
        return None


Check = Callable[[Account], Iterator[Finding]]


def resources(bodies: Mapping[str, Document]) -> Resources:
    """The resources of templates, which are by the names of their stacks."""
    return {
        (stack, name): resource
        for stack, body in bodies.items()
        for name, resource in body.get("Resources", {}).items()
    }


def of_kind(resources: Resources, kind: str) -> list[Document]:
    """The properties of each resource of a type."""
    return [one.get("Properties", {}) for one in resources.values() if one["Type"] == kind]


def _look_up_role(stack: Stack) -> str:
    role = stack.artifact["properties"].get("lookupRole", {}).get("arn", "")
    return str(role).replace("${AWS::Partition}", "aws")
