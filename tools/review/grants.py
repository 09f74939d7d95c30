"""Permissions as single grants: the order and grouping of statements is no change.

A grant is one action on one resource for one principal. One grant covers another if whoever holds
the first may do all that the second allows: by wildcards, and by conditions that are no stricter.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

Condition = tuple[str, str, frozenset[str]]  # operator, key, values

ANYBODY = "*"
SELF = ""  # the holder of an identity's policy, the resource of a resource's own


@dataclass(frozen=True)
class Grant:
    """One permission, or one refusal where ``effect`` is Deny.

    What a policy turns around (NotAction, NotPrincipal, NotResource) is kept whole, with its name.
    """

    effect: str
    principal: str
    action: str
    resource: str
    conditions: frozenset[Condition]

    def covers(self, other: "Grant") -> bool:
        """Whether this one alone allows, or denies, everything that ``other`` does."""
        return (
            self.effect == other.effect
            and _matches(self.principal, other.principal)
            and _matches(self.action, other.action)
            and _matches(self.resource, other.resource)
            and all(_no_stricter(condition, other.conditions) for condition in self.conditions)
        )

    def __str__(self) -> str:
        """One line for people."""
        who = f" to {self.principal}" if self.principal else ""
        where = f" on {self.resource}" if self.resource else ""
        limits = " and ".join(
            f"{operator} {key} {', '.join(sorted(values))}"
            for operator, key, values in sorted(self.conditions, key=str)
        )
        return f"{self.effect} {self.action}{where}{who}{f' if {limits}' if limits else ''}"


def grants(policy: Any) -> list[Grant] | None:
    """The grants of a policy document, also of one that is JSON text; None if it is none."""
    if isinstance(policy, str):
        if not policy.lstrip().startswith("{"):
            return None
        try:
            policy = json.loads(policy)
        except ValueError:
            return None
    if not isinstance(policy, dict) or "Statement" not in policy:
        return None
    statements = _listed(policy["Statement"])
    if not all(isinstance(one, dict) and "Effect" in one for one in statements):
        return None
    return [grant for statement in statements for grant in _of_statement(statement)]


def lines(those: Iterable[Grant]) -> list[str]:
    """Grants for people: one line for all actions that are granted alike."""
    alike: dict[Grant, list[str]] = defaultdict(list)
    for grant in those:
        alike[replace(grant, action="")].append(grant.action)
    return [str(replace(grant, action=", ".join(actions))) for grant, actions in alike.items()]


def uncovered(wanted: Iterable[Grant], present: Iterable[Grant]) -> list[Grant]:
    """The grants of ``wanted`` that none of ``present`` covers."""
    there = list(present)
    return [one for one in wanted if one not in there and not any(g.covers(one) for g in there)]


def _of_statement(statement: dict[str, Any]) -> Iterator[Grant]:
    conditions = frozenset(
        (operator, key.lower(), frozenset(_texts(values)))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
    actions = [text.lower() for text in _part(statement, "Action")]
    parts = (_principals(statement), actions, _part(statement, "Resource"))
    for principal, action, resource in product(*parts):
        yield Grant(str(statement["Effect"]), principal, action, resource, conditions)


def _part(statement: dict[str, Any], name: str) -> list[str]:
    if f"Not{name}" in statement:
        return [f"anything but {', '.join(sorted(_texts(statement[f'Not{name}'])))}"]
    return _texts(statement[name]) if name in statement else [SELF]


def _principals(statement: dict[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        excluded = json.dumps(statement["NotPrincipal"], sort_keys=True)
        return [f"anybody but {excluded}"]
    match statement.get("Principal"):
        case None:
            return [SELF]
        case dict() as kinds:
            return [
                ANYBODY if name == "*" else name
                for names in kinds.values()
                for name in _texts(names)
            ]
        case other:
            return _texts(other)


def _no_stricter(condition: Condition, others: frozenset[Condition]) -> bool:
    """Whether every request that meets ``others`` meets ``condition`` too."""
    operator, key, values = condition
    for other_operator, other_key, other_values in others:
        if (operator, key) == (other_operator, other_key):
            if "not" in operator.lower():
                return values <= other_values
            return all(
                any(
                    _matches(value, one) if "like" in operator.lower() else value == one
                    for value in values
                )
                for one in other_values
            )
    return False


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _matches(pattern: str, text: str) -> bool:
    return pattern == text or ("*" in pattern and _pattern(pattern).fullmatch(text) is not None)


def _texts(value: Any) -> list[str]:
    return [
        one if isinstance(one, str) else json.dumps(one, sort_keys=True) for one in _listed(value)
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
