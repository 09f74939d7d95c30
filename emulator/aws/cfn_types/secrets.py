"""AWS::SecretsManager::Secret, its resource policy and its rotation schedule."""

import json
from typing import Any

from botocore.exceptions import ClientError

from emulator.aws.cfn_types.base import (
    Attributes,
    Namer,
    Properties,
    Resource,
    ResourceType,
    is_true,
    tags_of,
)
from emulator.aws.clients import client

_GENERATED = ("SecretStringTemplate", "GenerateStringKey")


class Secret(ResourceType):
    """A secret whose `Ref` is its ARN, with a value that really follows GenerateSecretString."""

    name = "AWS::SecretsManager::Secret"
    create_only = ("Name",)

    def create(self, properties: Properties, named: Namer) -> Resource:
        """Refused by Secrets Manager when the name is taken, by a retained secret too."""
        created = client("secretsmanager").create_secret(
            Name=properties.get("Name") or named(max_len=512),
            Description=properties.get("Description", ""),
            SecretString=_value(properties),
            Tags=properties.get("Tags") or [],
            **({"KmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}),
        )
        return Resource(created["ARN"], {"Id": created["ARN"]})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Any change of the value's source writes a new AWSCURRENT version, as on AWS."""
        changes: dict[str, Any] = {"Description": new.get("Description", "")}
        if "KmsKeyId" in new:
            changes["KmsKeyId"] = new["KmsKeyId"]
        if any(old.get(k) != new.get(k) for k in ("SecretString", "GenerateSecretString")):
            changes["SecretString"] = _value(new)
        client("secretsmanager").update_secret(SecretId=physical_id, **changes)
        dropped = sorted(tags_of(old).keys() - tags_of(new).keys())
        if dropped:
            client("secretsmanager").untag_resource(SecretId=physical_id, TagKeys=dropped)
        if new.get("Tags"):
            client("secretsmanager").tag_resource(SecretId=physical_id, Tags=new["Tags"])
        return {"Id": physical_id}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Without a recovery window, as CloudFormation deletes it."""
        client("secretsmanager").delete_secret(
            SecretId=physical_id, ForceDeleteWithoutRecovery=True
        )


class ResourcePolicy(ResourceType):
    """AWS::SecretsManager::ResourcePolicy."""

    name = "AWS::SecretsManager::ResourcePolicy"
    create_only = ("SecretId",)

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """`Ref` is the secret's id."""
        self._put(properties)
        return Resource(properties["SecretId"], {"Id": properties["SecretId"]})

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Attributes:
        """The policy is replaced as a whole."""
        self._put(new)
        return {"Id": physical_id}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """A secret that is gone took its policy along."""
        _unless_gone(
            client("secretsmanager").delete_resource_policy, SecretId=properties["SecretId"]
        )

    @staticmethod
    def _put(properties: Properties) -> None:
        client("secretsmanager").put_resource_policy(
            SecretId=properties["SecretId"],
            ResourcePolicy=json.dumps(properties["ResourcePolicy"]),
            BlockPublicPolicy=is_true(properties.get("BlockPublicPolicy", False)),
        )


class RotationSchedule(ResourceType):
    """AWS::SecretsManager::RotationSchedule for a function that exists already."""

    name = "AWS::SecretsManager::RotationSchedule"
    create_only = ("SecretId",)

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """RotateSecret configures it, and rotates at once unless told not to."""
        self._rotate(properties)
        return Resource(properties["SecretId"], {"Id": properties["SecretId"]})

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Attributes:
        """As at creation: RotateImmediatelyOnUpdate decides whether it rotates now."""
        self._rotate(new)
        return {"Id": physical_id}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """The secret stays and no longer rotates."""
        _unless_gone(client("secretsmanager").cancel_rotate_secret, SecretId=properties["SecretId"])

    @staticmethod
    def _rotate(properties: Properties) -> None:
        client("secretsmanager").rotate_secret(
            SecretId=properties["SecretId"],
            RotationLambdaARN=properties["RotationLambdaARN"],
            RotationRules=_rules(properties.get("RotationRules") or {}),
            RotateImmediately=is_true(properties.get("RotateImmediatelyOnUpdate", True)),
        )


def _rules(rules: Properties) -> Properties:
    if "AutomaticallyAfterDays" in rules:
        return {**rules, "AutomaticallyAfterDays": int(rules["AutomaticallyAfterDays"])}
    return rules


def _value(properties: Properties) -> str:
    generate = properties.get("GenerateSecretString")
    if generate is None:
        return str(properties.get("SecretString", ""))
    options = {
        key: int(value) if key == "PasswordLength" else value
        for key, value in generate.items()
        if key not in _GENERATED
    }
    password = client("secretsmanager").get_random_password(**options)["RandomPassword"]
    if "SecretStringTemplate" not in generate:
        return str(password)
    return json.dumps(
        {**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: password}
    )


def _unless_gone(call: Any, **parameters: str) -> None:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
