"""The token that clients log in with today: read from standard input, proven, stored as AWSCURRENT.

Nothing is made before the proof: a rotation that finds another token as AWSCURRENT would give the
user that one, and lock every client out.
"""

import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from environments.schema import Settings
from shared.auth_token import AuthToken
from shared.errors import StoppedError
from shared.group import Endpoint, Group
from shared.login import try_tokens
from tools.command import Answer


def given() -> AuthToken | None:
    """The first line of standard input, or what is typed without being shown; None without one."""
    if sys.stdin.isatty():
        text = getpass.getpass("The token that clients log in with today (empty: only compare): ")
    else:
        text = sys.stdin.readline()
    text = text.rstrip("\r\n")
    return AuthToken(text, created=datetime.now(UTC)) if text else None


def endpoints(elasticache: Any, group_id: str) -> list[Endpoint]:
    """Clients' addresses, and that of each node: a reader address leads to one node at a time."""
    group = Group(elasticache, group_id)
    state = group.describe()
    nodes = [group.node(member) for member in state.members]
    return [*state.endpoints, *(node for node in nodes if node)]


def prove(token: AuthToken, where: Sequence[Endpoint], state: str = "Nothing was changed.") -> None:
    """Log in at every address. Raises Answer where one refuses the token or does not answer.

    An address that serves clients without a token is refused as well: those clients would be locked
    out. ROTATE leaves it so on a group that had no token (terraform-provider-aws issue 33439), and
    AuthTokenEnabled says nothing of it. ``state`` ends each message: what was changed before.
    """
    if not token.usable:
        raise Answer(
            "adopt: the token cannot be the password of a user. ElastiCache takes 16 to 128 "
            f'printable characters other than , " / and @. {state}'
        )
    for endpoint in where:
        try:
            logins = try_tokens(endpoint, [token])
        except StoppedError as problem:
            raise Answer(
                f"adopt: {problem}. The token is not proven. {state} Run this where the "
                "application runs: in its VPC and its security group."
            ) from None
        if logins.open:
            raise Answer(
                f"adopt: the {endpoint.name} endpoint serves clients that send no token. A user "
                f"with a password would lock them out. {state} The group's owner makes sure that "
                "every client sends the token, and then makes it required by strategy SET."
            )
        if not logins.taken[token]:
            raise Answer(
                f"adopt: the {endpoint.name} endpoint refuses the token. It is not the one that "
                f"clients log in with. {state}"
            )


def store(secrets: Any, settings: Settings, token: AuthToken, where: Sequence[Endpoint]) -> str:
    """Make the token AWSCURRENT of the environment's secret; returns the secret's ARN.

    Raises Answer where the secret holds another one that Redis takes as well: clients have one of
    the two, and the other would be taken away later. AWS does not say which one clients send.
    """
    name = f"{settings.prefix}-token"
    try:
        there = secrets.get_secret_value(SecretId=name)
    except secrets.exceptions.ResourceNotFoundException:
        made = secrets.create_secret(
            Name=name,
            Description=f"AUTH token of {settings.redis.replication_group_id}, stored by adoption",
            SecretString=token.text,
            Tags=[
                {"Key": key, "Value": value}
                for key, value in {
                    "environment": settings.environment.name,
                    **settings.environment.tags,
                }.items()
            ],
        )
        return str(made["ARN"])
    if there.get("SecretString") != token.text:
        present = AuthToken(there.get("SecretString", ""), created=there["CreatedDate"])
        if present.usable and any(
            used for each in where for used in try_tokens(each, [present]).taken.values()
        ):
            raise Answer(
                f"adopt: {there['ARN']} holds another token that Redis takes as well. Only one of "
                "the two stays valid. Nothing was changed. Give that token here, if clients send "
                "it. Otherwise the group's owner takes it away first: by strategy SET, or from the "
                "user's passwords."
            )
        secrets.put_secret_value(SecretId=name, SecretString=token.text)
    return str(there["ARN"])


def stored(secrets: Any, arn: str) -> AuthToken:
    """AWSCURRENT's token."""
    found = secrets.get_secret_value(SecretId=arn)
    return AuthToken(found.get("SecretString", ""), created=found["CreatedDate"])
