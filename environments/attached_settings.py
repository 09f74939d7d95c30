"""A group that somebody else owns: what an environment file says under [redis.attached].

``make adopt`` writes the table from AWS's describe calls.
"""

from typing import Annotated

from environments.section import SECURITY_GROUP_ID, Section, matching

# 253 characters of a name (RFC 1035), 512 of a secret's and 7 that AWS appends (Secrets Manager
# API, CreateSecret). Policies and variables hold them: none is a pattern or too long for those.
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = matching(
    rf"(?=.{{2,253}}$){_LABEL}(\.{_LABEL})*",
    "{} is not a host name",
    "Clients of the group connect to the name that ElastiCache gave it",
    "Let make adopt write it",
)
_PLACE = "[a-z0-9-]+:[0-9]{12}"
_KEY = matching(
    rf"arn:aws:kms:{_PLACE}:key/(mrk-[0-9a-f]{{32}}|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})",
    "{} is not the ARN of a key",
    "The recovery test restores the group's snapshots, which are encrypted with it",
    "Let make adopt write it",
)
_SECRET = matching(
    rf"arn:aws:secretsmanager:{_PLACE}:secret:[A-Za-z0-9/_+=.@-]{{1,512}}-[A-Za-z0-9]{{6}}",
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
    security_group_id: Annotated[str, SECURITY_GROUP_ID]
    kms_key_arn: Annotated[str, _KEY] | None = None
    token_secret_arn: Annotated[str, _SECRET]
    clients_read_secret: bool = False
    plan_rights: bool = False
    login_kept: bool = False
