"""The token of the throw-away group: made here, and kept in a secret that is this test's own."""

import uuid

from shared.auth_token import new_text
from shared.aws_calls import ask
from shared.secret import Secret


def token_of(secret: Secret, group_id: str, execution: str) -> str:
    """A new random token, or the one that an earlier try of this execution has put there.

    The version's id follows from the execution, so that a retry of a step finds its own token and
    an earlier execution's is never used again. Raises what ``ask`` raises.
    """
    version = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{group_id}/{execution}"))
    found = secret.find_token(version)
    if found:
        return found.text
    text = new_text()
    ask(
        secret.client.put_secret_value,
        "store a token",
        SecretId=secret.arn,
        ClientRequestToken=version,
        SecretString=text,
    )
    return text
