"""Packages of functions: whose code asks, what is in them, and which of their files changed."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from aws_rules.policies import action_matches
from tools.impact.templates import Address, Side, references

FUNCTION = "AWS::Lambda::Function"
# Whoever may do one of these reads the token or changes data. Sources: the Service Authorization
# Reference of each service.
SENSITIVE = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RotateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "elasticache:CreateReplicationGroup",
    "elasticache:DeleteReplicationGroup",
    "elasticache:DeleteSnapshot",
    "elasticache:ModifyReplicationGroup",
    "elasticache:ModifyUser",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "iam:PutRolePolicy",
)
# AWS's own policies that allow none of them: logs and network interfaces.
_HARMLESS_POLICIES = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
_LARGEST = 50_000_000  # bytes of one package's file; Lambda takes no more zipped


@cache
def sensitive(side: Side) -> frozenset[str]:
    """The packages of which a function may read the token or change data, or nobody can tell."""
    return frozenset(
        package_of(side, address)
        for address, body in side.resources.items()
        if body["Type"] == FUNCTION and _is_sensitive(side, address)
    )


def package_of(side: Side, function: Address) -> str:
    """The folder of lambda/ that a function's code comes from: the first part of its handler."""
    return str(side.properties(function).get("Handler", "")).split(".")[0]


def code_is_told(side: Side, function: Address) -> str | None:
    """Why a function's code cannot be read in the side's assembly; None where it can.

    Its key must be an asset's of this assembly, in the bucket that the asset goes to, and the
    package must hold the handler.
    """
    properties = side.properties(function)
    code = properties.get("Code", {})
    asset = side.stacks[function.stack].assets.get(str(code.get("S3Key")))
    if asset is None or code.keys() != {"S3Bucket", "S3Key"} or code["S3Bucket"] != asset.bucket:
        return "its code is no asset of this assembly"
    handler = str(properties.get("Handler", "")).rpartition(".")[0].replace(".", "/")
    if f"{handler}.py" not in contents(side, function):
        return f"its package has no {handler}.py"
    return None


def contents(side: Side, function: Address) -> Mapping[str, str]:
    """Name -> digest of each file in a function's package; empty where it is not known."""
    key = str(side.properties(function).get("Code", {}).get("S3Key"))
    asset = side.stacks[function.stack].assets.get(key)
    if asset is None or not zipfile.is_zipfile(asset.file):
        return {}
    with zipfile.ZipFile(asset.file) as package:
        return {
            one.filename: hashlib.sha256(package.read(one)).hexdigest()
            if one.file_size < _LARGEST
            else str(one.CRC)
            for one in package.infolist()
        }


def _is_sensitive(side: Side, function: Address) -> bool:
    roles = references(side.properties(function).get("Role"))
    if len(roles) != 1 or not roles <= side.resources.keys():
        return True
    (role,) = roles
    for statement in _statements(side, role):
        if statement is None:
            return True
        if statement.get("Effect") == "Allow" and any(
            action_matches(statement, action) for action in SENSITIVE
        ):
            return True
    return False


def _statements(side: Side, role: Address) -> Iterator[dict[str, Any] | None]:
    """Every statement of a role's policies; None for a policy that cannot be read."""
    properties = side.properties(role)
    documents = [one.get("PolicyDocument") for one in properties.get("Policies", [])]
    for arn in properties.get("ManagedPolicyArns", []):
        if not str(arn).endswith(_HARMLESS_POLICIES):
            policies = [one for one in references(arn) if one in side.resources]
            documents += [side.properties(one).get("PolicyDocument") for one in policies] or [None]
    for place, body in side.resources.items():
        if body["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
            theirs = side.properties(place)
            if role in references([theirs.get("Roles"), theirs.get("RoleName")]):
                documents.append(theirs.get("PolicyDocument"))
    for document in documents:
        statements = document.get("Statement") if isinstance(document, dict) else None
        if isinstance(statements, dict):
            statements = [statements]
        yield from statements if isinstance(statements, list) else [None]
