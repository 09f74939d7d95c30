"""No command before a login, at any address."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from rehearsal.security.outcome import BreachError
from rehearsal.security.target import Target
from rehearsal.security.wire import RefusedError, Wire, logged_in

# What a client needs in order to log in, or to leave.
_FREE = {"auth", "hello", "quit", "reset"}
# Nothing is said before these are refused: an open server must not lose data to its own test.
_FIRST = ("ping", "get", "info")
_WORD = "sectest"
# ElastiCache answers a restricted command so, logged in or not.
_REFUSALS = ("NOAUTH ", "ERR unknown command ")


def every_command(target: Target) -> str:
    """Each command of the server is answered NOAUTH; HELLO and RESET open nothing either."""
    commands = _commands(target)
    names = [*_FIRST, *sorted(commands.keys() - _FREE - set(_FIRST))]
    for address in target.addresses:
        with Wire(address, target.trust) as wire:
            for words in (*(_call(name, commands[name]) for name in names), *_roundabout()):
                try:
                    answer = wire(*words)
                except RefusedError as refusal:
                    if any(words in str(refusal) for words in _REFUSALS):
                        continue
                    answer = refusal
                if words[0] != "RESET":
                    raise BreachError(f"{' '.join(words)} at {address} without a login: {answer}")
    return f"{len(names)} commands at {len(target.addresses)} addresses, each refused"


def pinned() -> dict[str, int]:
    """Redis 6.2's commands and their arity, as it lists them itself; a test holds them to it."""
    text = files(__package__).joinpath("commands.txt").read_text()
    return {name: int(arity) for name, arity in map(str.split, text.splitlines())}


def _commands(target: Target) -> dict[str, int]:
    if target.token is None:
        return pinned()
    with logged_in(target, target.primary) as wire:
        return {str(name): int(arity) for name, arity, *_ in wire("COMMAND")}


def _call(name: str, arity: int) -> tuple[str, ...]:
    # A word too many, where that is allowed, makes most commands harmless on an open server.
    words = arity - 1 if arity > 0 else -arity
    return (name, *[_WORD] * words)


def _roundabout() -> Iterator[tuple[str, ...]]:
    yield "HELLO", "3"
    yield "HELLO", "2", "SETNAME", _WORD
    yield ("RESET",)
    yield ("ping",)
