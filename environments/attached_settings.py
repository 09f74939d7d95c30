"""A group that somebody else owns: what an environment file says under [redis.attached].

``make adopt`` writes the table from AWS's describe calls.
"""

from typing import Annotated

from environments.section import Section, matching

# 253 characters of a name (RFC 1035), 512 of a secret's and 7 that AWS appends (Secrets Manager
# API, CreateSecret). Policies and variables hold them: none is a pattern or too long for those.
_ADDRESS = matching(
    r"[a-z0-9][a-z0-9.-]{1,252}",
    "{} is not a host name",
    "Clients of the group connect to the name that ElastiCache gave it",
    "Let make adopt write it",
)
_SECURITY_GROUP = matching(
    r"sg-[0-9a-f]{8,17}",
    "{} is not the id of a security group",
    "Our functions are let into the group's own security group, by its id",
    "Let make adopt write it",
)


def _arn(service: str) -> str:
    return rf"arn:aws[a-z-]*:{service}:[a-z0-9-]+:[0-9]{{12}}:"


_KEY = matching(
    rf"{_arn('kms')}key/[A-Za-z0-9-]{{1,64}}",
    "{} is not the ARN of a key",
    "The recovery test restores the group's snapshots, which are encrypted with it",
    "Let make adopt write it",
)
_SECRET = matching(
    rf"{_arn('secretsmanager')}secret:[A-Za-z0-9/_+=.@-]{{1,519}}",
    "{} is not the ARN of a secret",
    "It holds the token that clients log in with today",
    "Let make adopt write it",
)


class Attached(Section):
    """Addresses and ids that the template of an owned group would have from its own resources.

    ``clients_read_secret`` false: the token is not rotated, for clients that keep it in a place of
    their own would be locked out when the old one is retired. ``plan_rights`` false: clients may do
    all that they may do with an AUTH token; true is the last step, the plan's rights.
    ``login_kept``: the user and the user group outlived an earlier deployment, so the template
    names them and makes none.
    """

    address: Annotated[str, _ADDRESS]
    reader_address: Annotated[str, _ADDRESS] | None = None
    security_group_id: Annotated[str, _SECURITY_GROUP]
    kms_key_arn: Annotated[str, _KEY] | None = None
    token_secret_arn: Annotated[str, _SECRET]
    clients_read_secret: bool = False
    plan_rights: bool = False
    login_kept: bool = False
