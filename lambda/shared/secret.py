"""The secret in Secrets Manager: the whole SecretString of a version is its token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth_token import AuthToken
from shared.aws_calls import ask
from shared.errors import AwsRefusedError, WrongVersionError
from shared.versions import PENDING, Versions


@dataclass(frozen=True)
class Secret:
    """One secret. Every method raises what ``ask`` raises."""

    client: Any
    arn: str

    def versions(self) -> Versions:
        """The labels and tags as they are now; versions without a value are among them."""
        answer = ask(self.client.describe_secret, SecretId=self.arn)
        stages = answer.get("VersionIdsToStages", {}).items()
        return Versions(
            by_label={label: version for version, labels in stages for label in labels},
            tags={tag["Key"]: tag.get("Value", "") for tag in answer.get("Tags", [])},
        )

    def find_token(self, version: str) -> AuthToken | None:
        """The version's token, or None as long as it has none."""
        asked = {"SecretId": self.arn, "VersionId": version}
        try:
            answer = ask(self.client.get_secret_value, **asked)
        except AwsRefusedError as refused:
            if refused.code == "ResourceNotFoundException":
                return None
            raise
        # A binary value has no SecretString: no token, and nothing that could be used as one.
        return AuthToken(answer.get("SecretString", ""), created=answer["CreatedDate"])

    def token(self, version: str) -> AuthToken:
        """The version's token. Raises WrongVersionError if it has none."""
        token = self.find_token(version)
        if token is None:
            raise WrongVersionError(f"version {version} of the secret has no value")
        return token

    def put(self, version: str, text: str) -> None:
        """Give a pending version its value."""
        given = {"SecretId": self.arn, "ClientRequestToken": version, "SecretString": text}
        ask(self.client.put_secret_value, **given, VersionStages=[PENDING])

    def move(self, label: str, *, origin: str | None, to: str | None) -> None:
        """Move a label. Without ``origin`` it was nowhere, without ``to`` it is taken away.

        AWS refuses the call if the label is not where it is said to be.
        """
        given = {"RemoveFromVersionId": origin, "MoveToVersionId": to}
        asked = {name: version for name, version in given.items() if version}
        move = self.client.update_secret_version_stage
        ask(move, SecretId=self.arn, VersionStage=label, **asked)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Write tags over whatever they said before."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        ask(self.client.tag_resource, SecretId=self.arn, Tags=pairs)

    def untag(self, *keys: str) -> None:
        """Take tags away."""
        ask(self.client.untag_resource, SecretId=self.arn, TagKeys=list(keys))
