"""Secrets Manager's versions and staging labels, at their worst.

From botocore's documentation of the operations (secretsmanager, 2017-10-17): a label is on one
version at most; moving AWSCURRENT moves AWSPREVIOUS; PutSecretValue does nothing for a version that
has the same value and fails if it has another; a label that is elsewhere is moved only by a call
that says where it is; RotateSecret is refused while AWSPENDING is on another version than
AWSCURRENT. "Versions without labels can be deleted": here they are gone at once, or never.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.lambda_rotation.model.fake_aws import ServiceError

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version; without a value it is one that a rotation has only announced."""

    created: datetime
    value: str | None = field(default=None, repr=False)


@dataclass
class SecretsManager:
    """One secret; methods named as botocore names the operations take their parameters."""

    now: datetime
    deletes: bool = True
    versions: dict[str, Version] = field(default_factory=dict, repr=False)
    labels: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "SecretsManager":
        """Another one in the same state."""
        labels, tags = dict(self.labels), dict(self.tags)
        return replace(self, versions=dict(self.versions), labels=labels, tags=tags)

    def value(self, label: str) -> str | None:
        """What the version with this label holds."""
        version = self.versions.get(self.labels.get(label, ""))
        return version.value if version else None

    def store(self, version: str, value: str, *labels: str) -> None:
        """Put a value into a new version, past all rules."""
        self.versions[version] = Version(self.now, value)
        self.labels |= dict.fromkeys(labels, version)

    def take_away(self, label: str) -> None:
        """What a person does with UpdateSecretVersionStage in the console."""
        self.labels.pop(label, None)
        self._delete_what_has_no_label()

    def move_current(self, version: str) -> None:
        """Move AWSCURRENT, and AWSPREVIOUS with it."""
        before = self.labels[CURRENT]
        if before != version:
            self.labels |= {CURRENT: version, PREVIOUS: before}
            self._delete_what_has_no_label()

    def announce(self, version: str) -> None:
        """What RotateSecret does before it invokes the function."""
        if self.labels.get(PENDING) not in (None, self.labels[CURRENT]):
            raise ServiceError("InvalidRequestException")
        self.attach(version, PENDING)

    def describe_secret(self, _: Parameters) -> dict[str, Any]:
        held = {
            version: [label for label, its in self.labels.items() if its == version]
            for version in self.labels.values()
        }
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {"VersionIdsToStages": held, "Tags": tags}

    def get_secret_value(self, asked: Parameters) -> dict[str, Any]:
        version = self.versions.get(asked["VersionId"])
        if version is None or version.value is None:
            raise ServiceError("ResourceNotFoundException")
        return {"SecretString": version.value, "CreatedDate": version.created}

    def put_secret_value(self, asked: Parameters) -> dict[str, Any]:
        name, value = asked["ClientRequestToken"], asked["SecretString"]
        version = self.versions.get(name)
        if version is not None and version.value not in (None, value):
            raise ServiceError("ResourceExistsException")
        if version is None or version.value is None:
            self.versions[name] = Version(self.now, value)
            self.attach(name, *asked["VersionStages"])
        return {}

    def update_secret_version_stage(self, asked: Parameters) -> dict[str, Any]:
        label, target = asked["VersionStage"], asked.get("MoveToVersionId")
        holder = self.labels.get(label)
        if holder != asked.get("RemoveFromVersionId") and holder != target:
            raise ServiceError("InvalidParameterException")
        if target is None:
            if label == CURRENT or holder is None:
                raise ServiceError("InvalidParameterException")
            self.take_away(label)
        elif target not in self.versions:
            raise ServiceError("ResourceNotFoundException")
        elif label == CURRENT:
            self.move_current(target)
        else:
            self.attach(target, label)
        return {}

    def tag_resource(self, asked: Parameters) -> dict[str, Any]:
        self.tags |= {tag["Key"]: tag["Value"] for tag in asked["Tags"]}
        return {}

    def untag_resource(self, asked: Parameters) -> dict[str, Any]:
        for key in asked["TagKeys"]:
            self.tags.pop(key, None)
        return {}

    def attach(self, version: str, *labels: str) -> None:
        """Move labels to a version, which is made if it is not there."""
        self.versions.setdefault(version, Version(self.now))
        self.labels |= dict.fromkeys(labels, version)
        self._delete_what_has_no_label()

    def _delete_what_has_no_label(self) -> None:
        if self.deletes:
            kept = set(self.labels.values())
            self.versions = {id_: one for id_, one in self.versions.items() if id_ in kept}
