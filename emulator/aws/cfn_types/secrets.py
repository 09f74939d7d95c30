"""AWS::SecretsManager::Secret, its resource policy and its rotation schedule."""

import json

from emulator.aws.cfn_types.base import (
    Created,
    Namer,
    Properties,
    ResourceType,
    is_true,
    tags_of,
    unless_gone,
)
from emulator.aws.clients import client


class Secret(ResourceType):
    """A secret whose `Ref` is its ARN, with a value that really follows GenerateSecretString."""

    name = "AWS::SecretsManager::Secret"
    create_only = ("Name",)

    def create(self, properties: Properties, named: Namer) -> Created:
        """Refused by Secrets Manager when the name is taken, by a retained secret too."""
        created = client("secretsmanager").create_secret(
            Name=properties.get("Name") or named(max_len=512),
            Description=properties.get("Description", ""),
            SecretString=_value(properties),
            Tags=properties.get("Tags") or [],
            **({"KmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}),
        )
        return created["ARN"], {"Id": created["ARN"]}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Any change of the value's source writes a new AWSCURRENT version, as on AWS."""
        manager = client("secretsmanager")
        changes: Properties = {key: new[key] for key in ("Description", "KmsKeyId") if key in new}
        if any(old.get(k) != new.get(k) for k in ("SecretString", "GenerateSecretString")):
            changes["SecretString"] = _value(new)
        manager.update_secret(SecretId=physical_id, **{"Description": ""} | changes)
        if dropped := sorted(tags_of(old).keys() - tags_of(new).keys()):
            manager.untag_resource(SecretId=physical_id, TagKeys=dropped)
        if new.get("Tags"):
            manager.tag_resource(SecretId=physical_id, Tags=new["Tags"])
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

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the secret's ARN."""
        return properties["SecretId"], self.update(properties["SecretId"], {}, properties)

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """The policy is replaced as a whole."""
        client("secretsmanager").put_resource_policy(
            SecretId=physical_id,
            ResourcePolicy=json.dumps(new["ResourcePolicy"]),
            BlockPublicPolicy=is_true(new.get("BlockPublicPolicy", False)),
        )
        return {"Id": physical_id}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """A secret that is gone took its policy along."""
        unless_gone(
            client("secretsmanager").delete_resource_policy, SecretId=properties["SecretId"]
        )


class RotationSchedule(ResourceType):
    """AWS::SecretsManager::RotationSchedule for a function that exists already."""

    name = "AWS::SecretsManager::RotationSchedule"
    create_only = ("SecretId",)

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the secret's ARN."""
        return properties["SecretId"], self.update(properties["SecretId"], {}, properties)

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """RotateSecret configures it; RotateImmediatelyOnUpdate decides whether it rotates now."""
        rules = dict(new.get("RotationRules") or {})
        if "AutomaticallyAfterDays" in rules:
            rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
        client("secretsmanager").rotate_secret(
            SecretId=physical_id,
            RotationLambdaARN=new["RotationLambdaARN"],
            RotationRules=rules,
            RotateImmediately=is_true(new.get("RotateImmediatelyOnUpdate", True)),
        )
        return {"Id": physical_id}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """The secret stays and no longer rotates."""
        unless_gone(client("secretsmanager").cancel_rotate_secret, SecretId=properties["SecretId"])


def _value(properties: Properties) -> str:
    generate = properties.get("GenerateSecretString")
    if generate is None:
        return str(properties.get("SecretString", ""))
    # A template of the value is refused by botocore: no secret of ours has one.
    options = {
        key: int(value) if key == "PasswordLength" else value for key, value in generate.items()
    }
    return str(client("secretsmanager").get_random_password(**options)["RandomPassword"])
