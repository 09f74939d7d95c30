"""Access strings of users, read and shown as Redis does.

AWS shows another access string than it was given. Its sample of CreateUser is given `+@read` and
shows what only Redis' own description of a user adds (AWS CLI reference).
"""

import re

from redis.exceptions import ResponseError

from emulator.elasticache.wire import invalid_value
from emulator.engines import obtain
from emulator.nodes.config import RENAMED
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import PARTS

_READER = "reader"
# A password in it, or what would remove all (user guide, "Role-Based Access Control").
_LOGINS = re.compile(r"[<>#!].*|nopass|resetpass|reset")
_RESTRICTED = {*RENAMED, "psync", "sync"}


class AccessStrings:
    """Starts a server of each engine that is asked for, and ends them with `close`."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._groups: dict[str, Group] = {}
        self._shown: dict[tuple[str, str], str] = {}

    def shown(self, text: str, engine: str) -> str:
        """The string as AWS shows it. Raises InvalidParameterValue for one that it refuses.

        `engine`, like "redis-6.2", reads it: 7.0 shows subcommands.
        """
        if (engine, text) not in self._shown:
            self._shown[engine, text] = self._read(text, engine)
        return self._shown[engine, text]

    def close(self) -> None:
        """End the servers."""
        for group in self._groups.values():
            group.stop()

    def _read(self, text: str, engine: str) -> str:
        for word in text.split():
            if _LOGINS.fullmatch(word) or _is_restricted(word):
                raise invalid_value(f"The access string must not contain {word.lstrip('<>#!')!r}.")
        if engine not in self._groups:
            program = obtain(*engine.split("-"))
            spec = GroupSpec(f"access-strings-{engine}", program, replicas=0, tls=False)
            self._groups[engine] = Group(spec, self._context)
        call = self._groups[engine].shards[0].primary.server.call
        try:
            call("acl", "setuser", _READER, "reset", "resetchannels", *text.split())
        except ResponseError as error:
            raise invalid_value(f"Invalid access string: {error}") from None
        (described,) = [line for line in call("acl", "list") if line.startswith(f"user {_READER} ")]
        state, *rules = described.split()[2:]
        return " ".join([state, *(rule for rule in rules if rule != "sanitize-payload")])


def _is_restricted(word: str) -> bool:
    command, _, part = word.lower()[1:].partition("|")
    if word[0] not in "+-":
        return False
    return command in _RESTRICTED or (bool(part) and part not in PARTS.get(command, (part,)))
