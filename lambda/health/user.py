"""The user that clients log in as and its user group, as ElastiCache says them now (§2.3).

Drift detection sees neither rights nor passwords: CloudFormation only ever writes them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from health.desired import Desired
from shared.aws_calls import ask
from shared.line import Line


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ADMIN = _names(
    "acl bgrewriteaof bgsave client cluster config debug failover lastsave latency module monitor "
    "pfdebug pfselftest psync replconf replicaof save shutdown slaveof slowlog sync"
)
_DANGEROUS = _ADMIN | _names(
    "flushall flushdb info keys migrate restore restore-asking role sort swapdb"
)
_ORDINARY = _names("del eval evalsha expire get ping scan script set ttl wait")
_BY_CATEGORY = {"admin": _ADMIN, "dangerous": _DANGEROUS, "all": _DANGEROUS | _ORDINARY}
_SAME = {"allkeys": "~*", "allchannels": "&*", "allcommands": "+@all", "nocommands": "-@all"}


class Rights(NamedTuple):
    """``others`` are rules that name none of the commands that are asked about."""

    on: bool
    patterns: frozenset[str]
    commands: frozenset[str]
    others: frozenset[str]


def rights(access_string: str) -> Rights:
    """What the rules give, one after the other; a user is off unless one says ``on``."""
    on = False
    patterns: set[str] = set()
    commands: set[str] = set()
    others: set[str] = set()
    for word in access_string.lower().split():
        match _SAME.get(word, word):
            case "on" | "off":
                on = word == "on"
            case "resetkeys":
                patterns = {one for one in patterns if not one.startswith("~")}
            case "resetchannels":
                patterns = {one for one in patterns if not one.startswith("&")}
            case rule if rule.startswith(("~", "&", "%")):
                patterns.add(rule)
            case rule:
                name = rule[1:].removeprefix("@")
                named = _BY_CATEGORY.get(name) if rule[1:2] == "@" else {name} & _BY_CATEGORY["all"]
                if not named:
                    # Removing what is not known never widens rights.
                    others |= {rule} if rule.startswith("+") else set()
                elif rule.startswith("+"):
                    commands |= named
                else:
                    commands -= named
    return Rights(on, frozenset(patterns), frozenset(commands), frozenset(others))


USER = "health-user"
_CHANGING = "modifying"  # the rotation changes the user, and Redis serves meanwhile


def check_user(client: Any, desired: Desired) -> Iterator[Line]:
    """The user and its user group. Raises what ``ask`` raises."""
    wanted = desired.user
    user, group = _described(client, wanted)
    login = user.get("Authentication", {})
    yield _serves("user: Status", user)
    yield Line.equal("user: Authentication", login.get("Type"), "password", USER)
    count = login.get("PasswordCount")
    yield Line("user: PasswordCount", count in (1, 2), str(count), "1, or 2 in a rotation", USER)
    found, asked = rights(user.get("AccessString", "")), rights(wanted["access"])
    shown = "as asked for" if found == asked else user.get("AccessString", "none")
    yield Line("user: AccessString", found == asked, shown, wanted["access"], USER)
    yield _serves("user group: Status", group)
    yield Line.equal("user group: UserIds", group.get("UserIds"), [wanted["id"]], USER)


def is_changing(client: Any, desired: Desired) -> bool:
    """Whether the user or its user group is being modified. Raises what ``ask`` raises."""
    return any(one.get("Status") == _CHANGING for one in _described(client, desired.user))


def _described(client: Any, wanted: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    users = ask(client.describe_users, UserId=wanted["id"])
    groups = ask(client.describe_user_groups, UserGroupId=wanted["group"])
    return users["Users"][0], groups["UserGroups"][0]


def _serves(name: str, found: Mapping[str, Any]) -> Line:
    status = found.get("Status")
    wanted = f"active, or {_CHANGING} in a rotation"
    return Line(name, status in ("active", _CHANGING), str(status), wanted, USER)
