"""The secret that is rotated: its labels, and every token that it ever held."""

from __future__ import annotations

import secrets

from rehearsal.common.checks.logins import token
from rehearsal.common.deployed import only
from rehearsal.common.rehearsal import Rehearsal

CURRENT = "AWSCURRENT"


class Secret:
    """The one secret of the deployed stacks. Its tokens are never part of a message."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._manager = rehearsal.aws("secretsmanager")
        self.arn = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
        self._ever: set[str] = set()

    def rotate(self) -> str:
        """RotateSecret; returns the id of the version that is to become AWSCURRENT."""
        return str(self._manager.rotate_secret(SecretId=self.arn)["VersionId"])

    def where(self, label: str) -> str | None:
        """The version that has this label."""
        versions = self._manager.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return next((version for version, labels in versions.items() if label in labels), None)

    def current(self) -> str:
        """AWSCURRENT's token."""
        return token(self._rehearsal)

    def stranger(self) -> str:
        """A token that is in no version of it."""
        found = secrets.token_hex(32)
        self._ever.add(found)
        return found

    def ever(self) -> frozenset[str]:
        """Every token of which a version was seen here, those of now among them, and strangers."""
        missing = self._manager.exceptions.ResourceNotFoundException
        for version in self._manager.describe_secret(SecretId=self.arn)["VersionIdsToStages"]:
            try:
                found = self._manager.get_secret_value(SecretId=self.arn, VersionId=version)
            except missing:
                continue  # a version without a value, or one that is gone in the meantime
            self._ever.add(found["SecretString"])
        return frozenset(self._ever)
