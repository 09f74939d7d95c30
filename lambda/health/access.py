"""What an access string lets a user do, so that two strings can be compared by what they mean.

ElastiCache shows another text than it was given: Redis writes out what a category leaves of the
commands after it, as ``ACL GETUSER`` does (tried on 6.2). So both are asked about the same
commands: all that Redis 6.2 counts as administrative or dangerous, and some that every client uses.
"""

from typing import NamedTuple


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
                    # Taking away what is not known makes nobody's rights wider.
                    others |= {rule} if rule.startswith("+") else set()
                elif rule.startswith("+"):
                    commands |= named
                else:
                    commands -= named
    return Rights(on, frozenset(patterns), frozenset(commands), frozenset(others))
