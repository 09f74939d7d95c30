"""Conditions of policy statements: the operators and keys that our templates use."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.iam.globs import arn_like, like
from emulator.iam.problem import CannotBeJudged

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


def _bool(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _bool,
}


def hold(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Whether every condition of a statement holds in the request's context.

    A key that the request does not have makes these operators false. Raises CannotBeJudged for an
    operator, key or policy variable that is not modelled, unless another condition is false
    anyway.
    """
    present = {key.lower(): value for key, value in context.items()}
    unknown: list[str] = []
    for operator, keys in condition.items():
        test = _OPERATORS.get(operator)
        for key, wanted in keys.items():
            values = [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
            name = key.lower()
            if test is None:
                unknown.append(f"condition operator {operator}")
            elif name not in KEYS | present.keys():
                unknown.append(f"condition key {key}")
            elif any("${" in value for value in values):
                unknown.append(f"policy variable in the condition on {key}")
            elif name not in present or not any(test(present[name], value) for value in values):
                return False
    if unknown:
        raise CannotBeJudged(f"{', '.join(unknown)}: add it to emulator/iam/conditions.py")
    return True
