"""Policy documents and what they say to one request (IAM user guide, "Policy evaluation logic")."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_rules import principals
from aws_rules.arns import arn_like, like
from aws_rules.conditions import hold
from aws_rules.principals import Caller, Match
from aws_rules.problem import CannotBeJudged


@dataclass(frozen=True)
class Request:
    """One action on one resource: an ARN, or ``*`` where the action takes none."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """As it reads in a finding."""
        return self.action if self.resource == "*" else f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Policy:
    """A policy document and its location."""

    where: str
    document: Mapping[str, Any] | str

    @property
    def statements(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each statement with its location."""
        document = self.document
        body = json.loads(document) if isinstance(document, str) else document
        for number, statement in enumerate(_list(body["Statement"]), start=1):
            yield f"statement {statement.get('Sid', number)} of {self.where}", statement


@dataclass
class Said:
    """What a set of policies says: where it denies, allows, allows the account, or is unclear."""

    denies: list[str] = field(default_factory=list)
    allows: list[str] = field(default_factory=list)
    delegates: list[str] = field(default_factory=list)
    unclear_denies: list[str] = field(default_factory=list)
    unclear_allows: list[str] = field(default_factory=list)


def consult(
    policies: Iterable[Policy], request: Request, caller: Caller, *, of_identity: bool
) -> Said:
    """Hold a request against policies; those of an identity carry no Principal."""
    said = Said()
    for policy in policies:
        for where, statement in policy.statements:
            denies = statement["Effect"] == "Deny"
            try:
                match = _applies(statement, request, caller, of_identity=of_identity)
            except CannotBeJudged as reason:
                unclear = said.unclear_denies if denies else said.unclear_allows
                unclear.append(f"{where}: {reason}")
                continue
            if match is Match.NONE:
                continue
            if denies:
                said.denies.append(where)
            elif match is Match.ACCOUNT:
                said.delegates.append(where)
            else:
                said.allows.append(where)
    return said


def _applies(
    statement: Mapping[str, Any], request: Request, caller: Caller, *, of_identity: bool
) -> Match:
    if not action_matches(statement, request.action):
        return Match.NONE
    if not resource_matches(statement, request.resource):
        return Match.NONE
    match = Match.DIRECT if of_identity else principals.match(statement, caller)
    if match is Match.NONE or not hold(statement.get("Condition", {}), request.context):
        return Match.NONE
    return match


def action_matches(statement: Mapping[str, Any], action: str) -> bool:
    """Whether a statement's Action, or NotAction, is about an action; case means nothing."""
    negated = "NotAction" in statement
    patterns = _list(statement["NotAction" if negated else "Action"])
    return any(like(action.lower(), pattern.lower()) for pattern in patterns) != negated


def resource_matches(statement: Mapping[str, Any], resource: str) -> bool:
    """Whether a statement's Resource, or NotResource, is about an ARN; without either it is.

    Raises CannotBeJudged for a policy variable.
    """
    negated = "NotResource" in statement
    patterns = _list(statement.get("NotResource" if negated else "Resource", "*"))
    if any("${" in pattern for pattern in patterns):
        raise CannotBeJudged("a policy variable in its Resource")
    return any(_same(resource, pattern) for pattern in patterns) != negated


def _same(resource: str, pattern: str) -> bool:
    # Where an action takes no resource, only a statement on everything applies.
    return pattern == "*" if resource == "*" else arn_like(resource, pattern)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
