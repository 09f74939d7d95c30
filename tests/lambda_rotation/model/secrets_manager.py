"""Secrets Manager's versions and staging labels, at their worst.

From botocore's documentation of the operations (secretsmanager, 2017-10-17): a label is on one
version at most; moving AWSCURRENT moves AWSPREVIOUS; PutSecretValue does nothing for a version that
has the same value and fails if it has another; a label that is elsewhere is moved only by a call
that says where it is; RotateSecret is refused while AWSPENDING is on another version than
AWSCURRENT. "Versions without labels can be deleted": here they are gone at once.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.time import Time

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"

FIRST_VERSION = "first-version-" + "0" * 32

Parameters = dict[str, Any]


@dataclass
class Version:
    """A version; without a value it is one that a rotation has only announced."""

    created: datetime
    value: str | None = field(default=None, repr=False)
    labels: set[str] = field(default_factory=set)


class SecretsManager:
    """One secret; methods named as botocore names the operations take their parameters."""

    def __init__(self, time: Time, first: str) -> None:
        self._time = time
        self.versions = {FIRST_VERSION: Version(time.now, first, {CURRENT})}
        self.tags: dict[str, str] = {}

    def holding(self, label: str) -> str | None:
        """The version with this label."""
        return next((id_ for id_, held in self.versions.items() if label in held.labels), None)

    @property
    def current(self) -> str:
        """What clients read."""
        version = self.holding(CURRENT)
        assert version is not None
        value = self.versions[version].value
        assert value is not None
        return value

    def take_away(self, label: str) -> None:
        """What a person does with UpdateSecretVersionStage in the console."""
        holder = self.holding(label)
        if holder is not None:
            self.versions[holder].labels.discard(label)
            self._delete_what_has_no_label()

    def move_current(self, version: str) -> None:
        """Move AWSCURRENT, and AWSPREVIOUS with it."""
        holder = self.holding(CURRENT)
        assert holder is not None
        if holder != version:
            self._attach((CURRENT, version), (PREVIOUS, holder))

    def announce(self, version: str) -> None:
        """What RotateSecret does before it invokes the function."""
        pending = self.holding(PENDING)
        if pending is not None and pending != self.holding(CURRENT):
            raise ServiceError("InvalidRequestException")
        self._attach((PENDING, version))

    def describe_secret(self, _: Parameters) -> dict[str, Any]:
        labels = {id_: sorted(held.labels) for id_, held in self.versions.items()}
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {"VersionIdsToStages": labels, "Tags": tags}

    def get_secret_value(self, asked: Parameters) -> dict[str, Any]:
        version = self.versions.get(asked["VersionId"])
        if version is None or version.value is None:
            raise ServiceError("ResourceNotFoundException")
        return {"SecretString": version.value, "CreatedDate": version.created}

    def put_secret_value(self, asked: Parameters) -> dict[str, Any]:
        version = self.versions.get(asked["ClientRequestToken"])
        if version is not None and version.value is not None:
            if version.value != asked["SecretString"]:
                raise ServiceError("ResourceExistsException")
            return {}
        written = asked["ClientRequestToken"]
        self._attach(*((label, written) for label in asked["VersionStages"]))
        self.versions[written].value = asked["SecretString"]
        return {}

    def update_secret_version_stage(self, asked: Parameters) -> dict[str, Any]:
        label, target = asked["VersionStage"], asked.get("MoveToVersionId")
        holder = self.holding(label)
        if holder != asked.get("RemoveFromVersionId") and holder != target:
            raise ServiceError("InvalidParameterException")
        if target is None:
            if label == CURRENT or holder is None:
                raise ServiceError("InvalidParameterException")
            self.take_away(label)
            return {}
        if target not in self.versions:
            raise ServiceError("ResourceNotFoundException")
        if label == CURRENT:
            self.move_current(target)
        else:
            self._attach((label, target))
        return {}

    def tag_resource(self, asked: Parameters) -> dict[str, Any]:
        self.tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
        return {}

    def untag_resource(self, asked: Parameters) -> dict[str, Any]:
        for key in asked["TagKeys"]:
            self.tags.pop(key, None)
        return {}

    def _attach(self, *moves: tuple[str, str]) -> None:
        for label, version in moves:
            for held in self.versions.values():
                held.labels.discard(label)
            self.versions.setdefault(version, Version(self._time.now)).labels.add(label)
        self._delete_what_has_no_label()

    def _delete_what_has_no_label(self) -> None:
        self.versions = {id_: held for id_, held in self.versions.items() if held.labels}
