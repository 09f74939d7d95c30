"""Identifiers that users choose: they make keys of one form, and nothing else happens."""

import json
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from redis.crc import key_slot

from rehearsal.security import application
from rehearsal.security.hostile import CANARY, VALUES
from rehearsal.security.outcome import BreachError, NotHereError
from rehearsal.security.target import Target
from rehearsal.security.wire import Wire, logged_in

_PROGRAM = (sys.executable, "-m", "rehearsal.security.hostile_client")
_CANARY_SECONDS = str(2 * application.SECONDS)
_TIERS, _KINDS = ("general", "auth"), ("user", "ip")
# The limiter's script and its connection, our own looking on, and what nodes do by themselves.
_EXPECTED = {
    *("evalsha", "eval", "script", "time", "get", "getrange", "set", "append", "strlen", "pexpire"),
    *("auth", "hello", "client", "ping", "info", "scan", "mget"),
    *("replconf", "psync"),
}
_EXPECTED_ERRORS = {"NOSCRIPT"}


@dataclass(frozen=True)
class _Seen:
    """The state of the server: its keys, and how often each command ran and each error came."""

    keys: frozenset[str]
    commands: dict[str, int]
    errors: dict[str, int]


def harmless(target: Target, program: Sequence[str] = _PROGRAM) -> str:
    """Hostile identifiers through the client package, beside keys that must stay as they are.

    `program` is started as an application would be.
    """
    if target.token is None:
        raise NotHereError("no token was given")
    prefix = f"sectest_{secrets.token_hex(4)}"
    canaries = {name: secrets.token_hex(4) + "-" for name in _canaries(prefix)}
    with logged_in(target, target.primary) as wire:
        for name, value in canaries.items():
            wire("SET", name, value, "EX", _CANARY_SECONDS)
        before = _look(wire) if target.ours else None
        decisions = _attack(target, program, prefix)
        after = _look(wire) if target.ours else None
        if wire("MGET", *canaries) != list(canaries.values()):
            raise BreachError("a key that nobody's identifier names was changed")
        wire("DEL", *canaries)
        found = f"{len(VALUES)} identifiers, {decisions} decisions: other keys untouched"
        if before is None or after is None:
            return f"{found} (commands are not counted: others send some too)"
        # The limiter tries with one key of its own whether it is let in.
        made = after.keys - before.keys - {f"{{{prefix}}}:trial"}
        _judge_keys(made, prefix)
        _judge_commands(before, after)
        wire("UNLINK", *made)
        return f"{found}; {len(made)} keys of one form in one slot, no other command ran"


def _canaries(prefix: str) -> list[str]:
    ends = [f"{tier}:{kind}:{CANARY}" for tier in _TIERS for kind in _KINDS]
    return [f"{prefix}:{CANARY}", *(f"{{{prefix}}}:{end}" for end in ends)]


def _attack(target: Target, program: Sequence[str], prefix: str) -> int:
    host, port = target.primary
    told = {"host": host, "port": port, "token": target.token, "prefix": prefix}
    status, output = application.run(program, target.authority, json.dumps(told))
    if status:
        raise BreachError("a hostile identifier ended the application: the reason is above")
    answer = json.loads(output)
    if answer["wrong"] is not None:
        raise BreachError(answer["wrong"])
    return int(answer["decisions"])


def _judge_keys(made: frozenset[str], prefix: str) -> None:
    # No space, no control character, no brace, nothing beyond ASCII.
    form = re.compile(
        rf"\{{{prefix}\}}:({'|'.join(_TIERS)}):({'|'.join(_KINDS)}):[!-z|~]{{1,64}}", re.ASCII
    )
    for key in made:
        if not form.fullmatch(key):
            raise BreachError(f"a key of another form was made: {key[:80]!r}")
    due = len(VALUES) * len(_TIERS) * len(_KINDS)
    if len(made) != due:
        raise BreachError(f"{due} counters have {len(made)} keys: some share one")
    slots = {key_slot(key.encode()) for key in made}
    if len(slots) != 1:
        raise BreachError(f"the keys of one limiter lie in {len(slots)} slots")


def _judge_commands(before: _Seen, after: _Seen) -> None:
    commands = _risen(before.commands, after.commands) - _EXPECTED
    if commands:
        raise BreachError(f"a command ran that the limiter never sends: {', '.join(commands)}")
    errors = _risen(before.errors, after.errors) - _EXPECTED_ERRORS
    if errors:
        raise BreachError(f"the server answered with an error: {', '.join(errors)}")


def _risen(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, count in after.items() if count != before.get(name, 0)}


def _look(wire: Wire) -> _Seen:
    keys: set[str] = set()
    cursor = "0"
    while True:
        cursor, page = wire("SCAN", cursor, "COUNT", "1000")
        keys.update(page)
        if cursor == "0":
            break
    commands = {
        name.partition("cmdstat_")[2]: calls for name, calls in _counts(wire, "commandstats")
    }
    errors = {name.partition("errorstat_")[2]: count for name, count in _counts(wire, "errorstats")}
    return _Seen(frozenset(keys), commands, errors)


def _counts(wire: Wire, section: str) -> list[tuple[str, int]]:
    """Of each line the sum of its whole numbers but times: calls, rejected and failed calls."""
    found = []
    for line in str(wire("INFO", section)).splitlines():
        name, colon, figures = line.partition(":")
        if colon:
            pairs = (figure.split("=") for figure in figures.split(","))
            found.append((name, sum(int(n) for key, n in pairs if "usec" not in key)))
    return found
