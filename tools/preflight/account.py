"""What a deployment would create, the account as CDK's look-up role reads it, and findings."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import boto3
import jmespath  # type: ignore[import-untyped] # botocore's
from botocore.exceptions import BotoCoreError, ClientError

from environments.network_settings import OwnNetwork
from environments.schema import Settings
from tools.answers import watched
from tools.assembly import Document, Stack
from tools.engine_guard import template

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


def ok(text: str) -> Finding:
    """The precondition holds."""
    return Finding(OK, text)


def warning(text: str, remedy: str) -> Finding:
    """It could not be read, or what was read does not decide it."""
    return Finding(WARNING, text, remedy)


def refused(text: str, remedy: str) -> Finding:
    """The deployment would fail."""
    return Finding(REFUSED, text, remedy)


Resources = Mapping[tuple[str, str], Document]  # by stack and logical id


@dataclass(frozen=True, slots=True)
class Planned:
    """The resources that are deployed, and those that the synthesised templates ask for."""

    before: Resources
    after: Resources

    @classmethod
    def of(cls, stacks: Mapping[str, Stack], cloudformation: Any) -> "Planned":
        """The difference between an assembly and what is deployed under its stacks' names."""
        bodies = {name: template(cloudformation, name) for name in stacks}
        return cls(
            _resources(bodies), _resources({name: stack.body for name, stack in stacks.items()})
        )

    def created(self, kind: str) -> list[Document]:
        """Properties of each resource of a type that is not deployed."""
        return _of_kind({key: self.after[key] for key in self.after.keys() - self.before}, kind)

    def touched(self, kind: str) -> list[Document]:
        """Properties of each that is created, or updated."""
        same = {key for key, one in self.before.items() if _same(one, self.after.get(key))}
        return _of_kind({key: self.after[key] for key in self.after.keys() - same}, kind)

    def names(self, kind: str, key: str) -> set[str]:
        """The values of a naming property that no deployed resource of the type has."""
        before, after = (
            {one[key] for one in _of_kind(side, kind) if isinstance(one.get(key), str)}
            for side in (self.before, self.after)
        )
        return after - before

    def more(self, kind: str, key: str) -> int:
        """By how much the sum of a numeric property grows."""
        before, after = (
            sum(int(one.get(key, 0)) for one in _of_kind(side, kind))
            for side in (self.before, self.after)
        )
        return after - before


@dataclass(frozen=True, slots=True)
class Account:
    """``client`` makes a boto3 client of a service, in a Region if one is given."""

    settings: Settings
    stacks: Mapping[str, Stack]
    planned: Planned
    client: Callable[..., Any]
    session: boto3.Session
    reader: str  # whose rights ``client`` has, in words

    @classmethod
    def of(cls, settings: Settings, stacks: Mapping[str, Stack], own: boto3.Session) -> "Account":
        """Read with the look-up role where the session may take it, else with its own rights."""
        planned = Planned.of(stacks, own.client("cloudformation"))
        session, reader = own, "your own credentials: CDK's look-up role cannot be assumed"
        for arn in {_look_up_role(stack) for stack in stacks.values()} - {""}:
            try:
                keys = own.client("sts").assume_role(RoleArn=arn, RoleSessionName="preflight")
            except (ClientError, BotoCoreError):
                continue
            session, reader = _with(keys["Credentials"], own.region_name), arn.rpartition("/")[2]
        return cls(settings, stacks, planned, cache(session.client), own, reader)

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
        for group in _of_kind(self.planned.after, "AWS::EC2::SecurityGroup"):
            return str(group["VpcId"])
        return None


Check = Callable[[Account], Iterator[Finding]]


def _resources(bodies: Mapping[str, Document]) -> Resources:
    return {
        (stack, name): resource
        for stack, body in bodies.items()
        for name, resource in body.get("Resources", {}).items()
    }


def _of_kind(resources: Resources, kind: str) -> list[Document]:
    return [one.get("Properties", {}) for one in resources.values() if one["Type"] == kind]


def _same(one: Document, other: Document | None) -> bool:
    shown = [json.dumps((it or {}).get("Properties"), sort_keys=True) for it in (one, other)]
    return other is not None and shown[0] == shown[1]


def _look_up_role(stack: Stack) -> str:
    role = stack.artifact["properties"].get("lookupRole", {}).get("arn", "")
    return str(role).replace("${AWS::Partition}", "aws")


def _with(keys: Document, region: str | None) -> boto3.Session:
    secret, token = keys["SecretAccessKey"], keys["SessionToken"]
    return watched(boto3.Session(keys["AccessKeyId"], secret, token, region_name=region))
