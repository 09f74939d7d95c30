"""Conditions of policy statements, as IAM means them.

Sources: IAM user guide, "Condition operators" (every family, IfExists, Null), "Single-valued vs.
multivalued context keys" (ForAllValues, ForAnyValue) and "Multiple context keys or values".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from aws_rules.arns import arn_like, like
from aws_rules.problem import CannotBeJudged

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
            values = [_text(value) for value in _listed(wanted)]
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
        raise CannotBeJudged(f"{', '.join(unknown)}: add it to aws_rules/conditions.py")
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


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
