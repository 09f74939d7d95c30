"""Policies as IAM evaluates them: wildcards, principals, conditions, statements.

Sources: IAM user guide, "Policy evaluation logic", "Condition operators" (every family, IfExists,
Null), "ARN condition operators", "Single-valued vs. multivalued context keys" (ForAllValues,
ForAnyValue) and "Multiple context keys or values".
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, auto
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any


class CannotBeJudged(Exception):  # noqa: N818 - it is a verdict, not an error
    """A policy, template or call uses what is not modelled; the text says what and where."""


_SEGMENTS = 6  # arn:partition:service:region:account:resource


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = (
        ".*" if character == "*" else "." if character == "?" else re.escape(character)
        for character in glob
    )
    return re.compile("".join(parts), re.DOTALL)


def like(value: str, glob: str) -> bool:
    """Whether ``*`` (any text) and ``?`` (one character) make the glob equal to the value."""
    return _pattern(glob).fullmatch(value) is not None


def arn_like(arn: str, glob: str) -> bool:
    """As `like`, but each of an ARN's six parts separately; a single ``*`` is everything.

    For the Resource element this is the stricter reading: a wildcard never matches a part that was
    left out.
    """
    if glob == "*":
        return True
    wanted, found = glob.split(":", _SEGMENTS - 1), arn.split(":", _SEGMENTS - 1)
    return len(wanted) == len(found) == _SEGMENTS and all(
        like(value, part) for part, value in zip(wanted, found, strict=True)
    )


# Keys whose absence from a request's context means that AWS's request does not have them either.
KEYS = frozenset(
    key.lower()
    for key in (
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceOwner",
        "cloudwatch:namespace",
        "kms:CallerAccount",
        "kms:EncryptionContext:SecretARN",
        "kms:EncryptionContext:aws:logs:arn",
        "kms:EncryptionContext:aws:sns:topicArn",
        "kms:GrantIsForAWSResource",
        "kms:ViaService",
        "s3:prefix",
    )
)

Test = Callable[[str, str], bool]


def _folded(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _time(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _in_range(value: str, wanted: str) -> bool:
    return ip_address(value) in ip_network(wanted, strict=False)


def _ordered(family: str, read: Callable[[str], Any]) -> dict[str, Test]:
    return {
        f"{family}Equals": lambda value, wanted: bool(read(value) == read(wanted)),
        f"{family}LessThan": lambda value, wanted: bool(read(value) < read(wanted)),
        f"{family}LessThanEquals": lambda value, wanted: bool(read(value) <= read(wanted)),
        f"{family}GreaterThan": lambda value, wanted: bool(read(value) > read(wanted)),
        f"{family}GreaterThanEquals": lambda value, wanted: bool(read(value) >= read(wanted)),
    }


_TESTS: Mapping[str, Test] = {
    "StringEquals": str.__eq__,
    "StringEqualsIgnoreCase": _folded,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _folded,
    "BinaryEquals": str.__eq__,
    "IpAddress": _in_range,
    **_ordered("Numeric", float),
    **_ordered("Date", _time),
}
# Each negated operator is true where the plain one is false, and where the key is absent.
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def hold(
    condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str | Sequence[str]]
) -> bool:
    """Whether every condition of a statement holds in the request's context.

    Raises CannotBeJudged for an operator, a key or a policy variable that is not modelled, unless
    another condition is false anyway.
    """
    present = {key.lower(): value for key, value in context.items()}
    unknown: list[str] = []
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            values = [_text(value) for value in _list(wanted)]
            if key.lower() not in KEYS | present.keys():
                unknown.append(f"condition key {key}")
            elif any("${" in value for value in values):
                unknown.append(f"policy variable in the condition on {key}")
            else:
                try:
                    if not _holds(operator, present.get(key.lower()), values):
                        return False
                except (KeyError, ValueError):
                    unknown.append(f"condition operator {operator} with {', '.join(values)}")
    if unknown:
        raise CannotBeJudged(f"{', '.join(unknown)}: add it to aws_rules/iam.py")
    return True


def _holds(operator: str, given: str | Sequence[str] | None, wanted: list[str]) -> bool:
    """One operator on one key; KeyError or ValueError where it cannot be decided."""
    sets, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return any(_folded(str(given is None), value) for value in wanted)
    negated = name in _NEGATED
    test = _TESTS[_NEGATED.get(name, name)]
    values = [] if given is None else [given] if isinstance(given, str) else list(given)
    each = [any(test(value, one) for one in wanted) != negated for value in values]
    match sets:
        case "ForAllValues":  # true of no value at all
            return all(each)
        case "ForAnyValue":
            return any(each) or (given is None and if_exists)
        case "":
            return all(each) if each else if_exists or negated
    raise KeyError(operator)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Caller:
    """Who calls: a role of ours, or a service of AWS on behalf of `account`."""

    account: str
    role: str | None = None
    service: str | None = None


class Match(IntEnum):
    """DIRECT names the caller or everyone, ACCOUNT leaves it to the account's own policies."""

    NONE = auto()
    ACCOUNT = auto()
    DIRECT = auto()


def match(statement: Mapping[str, Any], caller: Caller) -> Match:
    """Whether a statement's Principal is the caller. Raises CannotBeJudged for other forms.

    ``*`` in an Allow is not taken to include services (unverified), in a Deny it is. NotPrincipal
    is everybody else; a Deny spares a role only if its account and its session are named too (IAM
    user guide, "NotPrincipal"), which is not modelled.
    """
    if "NotPrincipal" in statement:
        named = match({"Effect": "Deny", "Principal": statement["NotPrincipal"]}, caller)
        if named is Match.NONE:
            return Match.DIRECT
        if statement["Effect"] == "Deny":
            raise CannotBeJudged("its NotPrincipal names the caller or its account")
        return Match.NONE
    if "Principal" not in statement:
        raise CannotBeJudged("it has no Principal")
    principal = statement["Principal"]
    if principal == "*":
        principal = {"AWS": "*"}
    matches = [
        _one(kind, str(value), caller, denies=statement["Effect"] == "Deny")
        for kind, values in principal.items()
        for value in _list(values)
    ]
    return max(matches, default=Match.NONE)


def _one(kind: str, value: str, caller: Caller, *, denies: bool) -> Match:
    if kind == "Service":
        return Match.DIRECT if value == caller.service else Match.NONE
    if kind != "AWS":
        raise CannotBeJudged(f"its Principal is of the kind {kind}")
    if value == "*":
        return Match.DIRECT if caller.service is None or denies else Match.NONE
    if caller.service is not None:
        return Match.NONE
    if value in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return Match.ACCOUNT
    if value.startswith("arn:aws:sts:") or "*" in value:
        raise CannotBeJudged(f"its Principal is {value}")
    return Match.DIRECT if value == caller.role else Match.NONE


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
    if not (_action_matches(statement, request.action) and _on(statement, request.resource)):
        return Match.NONE
    found = Match.DIRECT if of_identity else match(statement, caller)
    if found is Match.NONE or not hold(statement.get("Condition", {}), request.context):
        return Match.NONE
    return found


def _action_matches(statement: Mapping[str, Any], action: str) -> bool:
    negated = "NotAction" in statement
    patterns = _list(statement["NotAction" if negated else "Action"])
    return any(like(action.lower(), pattern.lower()) for pattern in patterns) != negated


def _on(statement: Mapping[str, Any], resource: str) -> bool:
    """Whether a statement's Resource, or NotResource, is about an ARN; without either it is."""
    negated = "NotResource" in statement
    patterns = _list(statement.get("NotResource" if negated else "Resource", "*"))
    if any("${" in pattern for pattern in patterns):
        raise CannotBeJudged("a policy variable in its Resource")
    # Where an action takes no resource, only a statement on everything applies.
    return negated != any(
        pattern == "*" if resource == "*" else arn_like(resource, pattern) for pattern in patterns
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
