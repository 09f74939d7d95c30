"""Who is let in by a resource's own policy: anybody whom our templates never name is a stranger.

Our policies name services, each under a condition, the account's own administration, and for
ElastiCache's topic everybody of the account's own services (``aws:SourceOwner``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_OWN_ACCOUNT_KEYS = frozenset(
    {"aws:sourceowner", "aws:sourceaccount", "aws:principalaccount", "kms:calleraccount"}
)


def strangers(document: str | Mapping[str, Any] | None, account: str) -> Iterator[str]:
    """A few words for each statement that lets in somebody else."""
    if not document:
        return
    policy = json.loads(document) if isinstance(document, str) else document
    for statement in _several(policy.get("Statement")):
        if statement.get("Effect") != "Allow":
            continue
        condition = statement.get("Condition") or {}
        actions = ", ".join(_several(statement.get("Action") or statement.get("NotAction")))
        for who in _strangers(statement, condition, account):
            yield f"{who} may {actions}"


def _strangers(
    statement: Mapping[str, Any], condition: Mapping[str, Any], account: str
) -> Iterator[str]:
    principal = statement.get("Principal")
    if principal is None:
        yield "everybody but a few"  # NotPrincipal
        return
    named = {"AWS": principal} if isinstance(principal, str) else principal
    for kind, values in named.items():
        for value in _several(values):
            if kind == "Service":
                if not condition:
                    yield f"the service {value}, for any account,"
            elif value == "*":
                if not _of(condition, account):
                    yield "anybody"
            elif kind != "AWS" or value not in (account, f"arn:aws:iam::{account}:root"):
                yield str(value)


def _of(condition: Mapping[str, Any], account: str) -> bool:
    """Whether a condition holds for this account alone."""
    return any(
        key.lower() in _OWN_ACCOUNT_KEYS and _several(wanted) == [account]
        for operator, keys in condition.items()
        if operator in ("StringEquals", "ArnEquals")
        for key, wanted in keys.items()
    )


def _several(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
