"""What principals may do, as IAM writes it, and the ARNs of the place where.

A statement is plain data until a resource takes it: the library's own policy objects cost several
calls to Node each, and there are many (``make bench``).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs import Construct, IConstruct

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
Statement = dict[str, Any]
BY_PREFIX = "Alarms are listed by the prefix of their names"
_BECAUSE = "Because"  # of a statement of ours; no template has it


class Place(NamedTuple):
    """One account's part of one region."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:<service>:<region>:<account>:<resource>``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


# Every question and every read of a property is a call to Node.
@lru_cache(maxsize=256)
def place(scope: Construct) -> Place:
    """The place of the stack that ``scope`` is in."""
    return _place(cdk.Stack.of(scope))


@lru_cache(maxsize=16)
def _place(stack: cdk.Stack) -> Place:
    return Place(stack.region, stack.account)


def allow(
    *actions: str,
    on: Sequence[str],
    when: Conditions | None = None,
    service: str | None = None,
    because: str = "",
) -> Statement:
    """Allow ``actions`` on the resources ``on``, while the conditions ``when`` hold.

    ``service`` is the principal in a policy that a resource has itself. ``because`` is why a
    managed policy has resources that hold a ``*``.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service} if service else None,
        "Action": _one_or_several(actions),
        "Resource": _one_or_several(on),
        "Condition": when,
        _BECAUSE: because,
    }
    return {name: value for name, value in statement.items() if value}


def only_over_tls(*actions: str, on: Sequence[str], sid: str | None = None) -> Statement:
    """Refuse ``actions`` on the resources ``on`` in plain text."""
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": _one_or_several(actions),
        "Resource": _one_or_several(on),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {name: value for name, value in statement.items() if value}


def policy(statements: Sequence[Statement]) -> dict[str, Any]:
    """The document that carries ``statements``."""
    plain = [{key: one[key] for key in one if key != _BECAUSE} for one in statements]
    return {"Version": "2012-10-17", "Statement": plain}


def _one_or_several(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class Grantee(Protocol):
    """A principal's policy, which ``grant_…`` methods add to."""

    def permit(self, *statements: Statement) -> None:
        """Add to what it may do."""


class ManagedPolicy(Construct):
    """A managed policy: for a role of ours, or for principals attached later."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        statements: Sequence[Statement],
    ) -> None:
        super().__init__(scope, construct_id)
        self._statements = list(statements)
        self._policy = iam.CfnManagedPolicy(
            self, "Resource", description=description, path="/", policy_document=policy(statements)
        )
        self.arn = self._policy.ref
        reasons = {
            wildcard(resource): one[_BECAUSE]
            for one in statements
            for resource in _listed(one["Resource"])
            if "*" in resource and _BECAUSE in one
        }
        if reasons:
            acknowledge(self, reasons)

    def permit(self, *statements: Statement) -> None:
        """Add to what its principals may do; the resources hold no ``*``."""
        self._statements += statements
        self._policy.policy_document = policy(self._statements)


def service_role(
    scope: Construct,
    construct_id: str,
    *policies: ManagedPolicy,
    service: str,
    description: str,
    when: Conditions | None = None,
) -> str:
    """The ARN of a role that ``service`` alone takes, while the conditions ``when`` hold.

    It has several policies where one has no room: IAM takes 6,144 characters.
    """
    trust = allow("sts:AssumeRole", on=(), when=when, service=service)
    return iam.CfnRole(
        Construct(scope, construct_id),
        "Resource",
        assume_role_policy_document=policy([trust]),
        description=description,
        managed_policy_arns=[one.arn for one in policies],
    ).attr_arn


_PACKS = {
    "AwsSolutions": "AwsSolutions::AwsSolutions-",
    "NIST": "NIST.800.53.R5::NIST.800.53.R5-",
    "PCI": "PCI.DSS.321::PCI.DSS.321-",
    "CloudFormation": "CloudFormation-Validate::",  # the library's own validation
}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Let cdk-nag's rules pass here, each for its reason.

    A rule is written ``pack:name``, or ``pack+pack:name`` where several packs have it. Source:
    aws-cdk-lib's Validations.acknowledge; the ids are those that cdk-nag 3 prints.
    """
    accepted = []
    for rule, reason in reasons.items():
        packs, name = rule.split(":", 1)
        ids = [f"{_PACKS[pack]}{name}" for pack in packs.split("+")]
        accepted += [cdk.Acknowledgment(id=full, reason=reason) for full in ids]
    cdk.Validations.of(construct).acknowledge(*accepted)


def wildcard(resource: str) -> str:
    """The rule against a resource of a policy that holds a ``*``."""
    return f"AwsSolutions:IAM5[Resource::{resource}]"
