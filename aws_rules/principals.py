"""The principals of a resource's policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from aws_rules.problem import CannotBeJudged


@dataclass(frozen=True)
class Caller:
    """Who calls: a role of ours, or a service of AWS on behalf of `account`."""

    account: str
    role: str | None = None
    service: str | None = None


class Match(Enum):
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
    found = [
        _one(kind, str(value), caller, denies=statement["Effect"] == "Deny")
        for kind, values in principal.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    for best in (Match.DIRECT, Match.ACCOUNT):
        if best in found:
            return best
    return Match.NONE


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
