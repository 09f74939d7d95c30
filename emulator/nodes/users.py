"""The users of a group, as the access control lists of its nodes hold them.

Source: ElastiCache user guide, "Role-Based Access Control (RBAC)" and "Supported and restricted
commands".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

DEFAULT = "default"  # whose password `AUTH <password>` gives
EVERYTHING = "on ~* &* +@all"

# Of these ElastiCache leaves some subcommands. Redis has none of its own to take away before 7.0.
PARTS = {
    "acl": ("cat", "genpass", "getuser", "list", "users", "whoami"),
    "cluster": ("countkeysinslot", "getkeysinslot", "info", "keyslot", "myid", "nodes", "slots"),
}
# The categories of both in every engine that a rehearsal runs.
_OF_BOTH = ("@all", "@admin", "@dangerous", "@slow")
# Replicas call these by name, so that they cannot be renamed.
_OF_REPLICATION = ("-psync", "-sync", "-replconf")


@dataclass(frozen=True)
class User:
    """A user with its passwords; `access`, an access string, is what it may do.

    Without a password any login of this name is taken, and the user `default` needs none at all.
    """

    passwords: tuple[str, ...] = field(default=(), repr=False)
    access: str = EVERYTHING
    name: str = DEFAULT

    @classmethod
    def only(cls, token: str | None) -> User:
        """The user of a group that was created with this AUTH token, or with none."""
        return cls() if token is None else cls((token,))

    def rules(self) -> list[str]:
        """The rules of Redis' ACL, which replace whatever the user was: no password is in them."""
        words = self.access.split()
        logins = [f"#{hashlib.sha256(each.encode()).hexdigest()}" for each in self.passwords]
        parts = [
            rule
            for command, names in PARTS.items()
            if _allows(words, command)
            for rule in (f"-{command}", *(f"+{command}|{name}" for name in names))
        ]
        return ["reset", *(logins or ["nopass"]), *words, *_OF_REPLICATION, *parts]


def _allows(words: list[str], command: str) -> bool:
    """Whether these rules, which hold from left to right, allow one of the two commands whole."""
    aliases = {"allcommands": "+@all", "nocommands": "-@all"}
    rules = [aliases.get(word, word) for word in words]
    last = [rule[0] for rule in rules if rule[1:] in (*_OF_BOTH, command)]
    return last[-1:] == ["+"]
