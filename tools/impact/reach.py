"""What statements of policies reach of the data that is there, for people to read.

Nothing is decided here: every grant asks. A condition may keep a statement from what it reaches.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aws_rules.policies import action_matches, resource_matches
from aws_rules.problem import CannotBeJudged
from tools.impact.templates import Address, Side
from tools.impact.words import named

# What may be done to data of a type, its ARN, and the property that names it.
_DATA: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "AWS::ElastiCache::ReplicationGroup": (
        ("elasticache:DeleteReplicationGroup", "elasticache:ModifyReplicationGroup"),
        "arn:aws:elasticache:{region}:{account}:replicationgroup:{name}",
        "ReplicationGroupId",
    ),
    "AWS::ElastiCache::User": (
        ("elasticache:ModifyUser",),
        "arn:aws:elasticache:{region}:{account}:user:{name}",
        "UserId",
    ),
    "AWS::SecretsManager::Secret": (
        ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
        "Name",
    ),
    "AWS::KMS::Key": (
        ("kms:Decrypt", "kms:ScheduleKeyDeletion"),
        "arn:aws:kms:{region}:{account}:key/{name}",
        "",
    ),
    "AWS::S3::Bucket": (("s3:DeleteObject",), "arn:aws:s3:::{name}/key", "BucketName"),
}


def reached(before: Any, after: Any, base: Side, holder: Address) -> Iterator[str]:
    """A sentence for each new statement of a plain value: what it allows, to whom, and on what."""
    there = [json.dumps(one, sort_keys=True) for one in statements(before)]
    for statement in statements(after):
        if json.dumps(statement, sort_keys=True) not in there:
            who = statement.get("Principal", statement.get("NotPrincipal"))
            anybody = who == "*" or (isinstance(who, dict) and "*" in who.values())
            if anybody and statement["Effect"] == "Allow":
                yield "its principal is anybody"
            places = [holder] if who is not None and holder in base.resources else base.resources
            verb = "denies" if statement["Effect"] == "Deny" else "reaches"
            for place in places:
                if actions := list(_actions(statement, base, place)):
                    yield f"{verb} {named(place, base.resources[place])}: {', '.join(actions)}"


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy in a value, also of one that is JSON text."""
    match value:
        case str() if value.lstrip().startswith("{") and "Statement" in value:
            try:
                yield from statements(json.loads(value))
            except ValueError:
                return
        case list():
            for item in value:
                yield from statements(item)
        case dict() if "Effect" in value and value.keys() & {"Action", "NotAction"}:
            yield value
        case dict():
            for item in value.values():
                yield from statements(item)


def _actions(statement: dict[str, Any], base: Side, place: Address) -> Iterator[str]:
    body = base.resources[place]
    if body["Type"] not in _DATA:
        return
    actions, pattern, own = _DATA[body["Type"]]
    _, _, where = base.stacks[place.stack].artifact.get("environment", "").partition("://")
    account, _, region = where.partition("/")
    name = base.properties(place).get(own, place.name)
    arn = pattern.format(account=account, region=region, name=name)
    references = [f"⟦{place.stack}/{place.name}⟧", f"⟦{place.stack}/{place.name}.Arn⟧"]
    for action in actions:
        try:
            about = action_matches(statement, action) and any(
                resource_matches(statement, one) for one in (arn, *references)
            )
        except CannotBeJudged:
            about = True
        if about:
            yield action
