"""The token of the throw-away group: made here, and kept in a secret that is this test's own."""

import secrets
import string
import uuid
from typing import Any

from recovery.calls import ask
from recovery.errors import RefusedError

LENGTH = 64
ALPHABET = string.ascii_letters + string.digits


def token_of(manager: Any, secret_arn: str, group_id: str, execution: str) -> str:
    """A new random token, or the one that an earlier try of this execution has put there.

    The version's id follows from the execution, so that a retry of a step finds its own token and
    an earlier execution's is never used again. Raises what ``ask`` raises.
    """
    version = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{group_id}/{execution}"))
    try:
        return _read(manager, secret_arn, VersionId=version)
    except RefusedError as refused:
        if refused.code != "ResourceNotFoundException":
            raise
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    ask(
        manager.put_secret_value,
        "store a token",
        SecretId=secret_arn,
        ClientRequestToken=version,
        SecretString=text,
    )
    return text


def current_token(manager: Any, secret_arn: str) -> str:
    """The token that the group under test was made with. Raises what ``ask`` raises."""
    return _read(manager, secret_arn)


def _read(manager: Any, secret_arn: str, **version: str) -> str:
    answer = ask(manager.get_secret_value, "read a token", SecretId=secret_arn, **version)
    text: str = answer["SecretString"]
    return text
