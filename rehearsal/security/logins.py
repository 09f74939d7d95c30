"""Logins and commands: nothing without a token, no wrong token, no guess, no forbidden command."""

import math
import secrets
import string
import time
from collections.abc import Iterator
from importlib.resources import files

from environments.load import load
from rehearsal.alarms.steps import AlarmScenario
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.security.target import (
    Address,
    BreachError,
    NotHereError,
    RefusedError,
    Target,
    Wire,
    logged_in,
    packed,
)

_USUAL = ("", "redis", "password", "foobared", "default", "admin", "root", "changeme")
_UNAUTHENTICATED_MOST = 16_384  # bytes of one word that Redis reads before a login, since 6.2.6
_STRANGERS = ("admin", "root", "replica", "DEFAULT", "", "default\0")

Login = tuple[str, ...]


def tokens_refused(target: Target) -> str:
    """No wrong token opens any address; the right one opens all, or nothing would be proven."""
    logins = list(wrong_logins(target.token))
    for address in target.addresses:
        for login in logins:
            _expect_refused(target, address, login)
        _expect_refused(target, address, ("AUTH", "x" * (_UNAUTHENTICATED_MOST + 1)))
        if target.token is not None:
            logged_in(target, address).close()
    near = "" if target.token is not None else ", none of them near the right one (not given)"
    return f"{len(logins) + 1} wrong logins at {len(target.addresses)} addresses{near}"


def counted(target: Target) -> str:
    """The server counts each refusal: the alarm on refused logins lives on that number."""
    if not target.ours:
        raise NotHereError("others log in there too")
    logins = list(wrong_logins(target.token))
    before = refusals(target)
    for login in logins:
        _expect_refused(target, target.primary, login)
    count = refusals(target) - before
    if count != len(logins):
        raise BreachError(f"{len(logins)} wrong logins at {target.primary}, and {count} counted")
    return f"{count} of {len(logins)} (INFO errorstats, WRONGPASS)"


def refusals(target: Target) -> int:
    """How many logins the primary has refused since it started. Source: INFO, since Redis 6.2."""
    with logged_in(target, target.primary) as wire:
        for line in str(wire("INFO", "errorstats")).splitlines():
            if line.startswith("errorstat_WRONGPASS:count="):
                return int(line.rpartition("=")[2])
    return 0


def guess() -> str:
    """A token of the form that the deployment makes, which is not the secret's."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(64))


def wrong_logins(token: str | None) -> Iterator[Login]:
    """Every form of a wrong login; `token` is the right one, and what comes near to it is tried."""
    wrong: list[str] = [*_USUAL, guess(), *(() if token is None else near(token))]
    for word in wrong:
        yield "AUTH", word
    for word in (wrong[0], wrong[-1]):
        yield "AUTH", "default", word
        yield "HELLO", "2", "AUTH", "default", word
        yield "HELLO", "3", "AUTH", "default", word
    for name in _STRANGERS:
        yield "AUTH", name, guess() if token is None else token


def near(token: str) -> Iterator[str]:
    """Wrong tokens that a careless comparison would take for the right one."""
    middle = len(token) // 2
    other = "a" if token[middle] != "a" else "b"
    candidates = (
        token[:-1],
        token[1:],
        token[:16],
        token[:middle] + other + token[middle + 1 :],
        other + token[1:] if token[0] != other else "c" + token[1:],
        token.swapcase(),
        token.lower(),
        token.upper(),
        token[::-1],
        token * 2,
        token * 100,
        f"{token}\0",
        f"{token}\0{token}",
        f"{token[:middle]}\0",
        f"{token} ",
        f"{token}\r\n",
        f">{token}",
        token[:-1] + "*",
    )
    yield from dict.fromkeys(word for word in candidates if word != token)


def _expect_refused(target: Target, address: Address, login: Login) -> None:
    with Wire(address, target.trust) as wire:
        try:
            wire(*login)
        except (RefusedError, ConnectionError):
            pass
        else:
            # The login is not shown: it may hold most of the token.
            raise BreachError(f"{address} took a wrong login ({login[0]}, {len(login) - 1} words)")
        try:
            wire("PING")
        except (RefusedError, OSError):
            return
        raise BreachError(f"{address} answered after a wrong login ({login[0]})")


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


# ElastiCache user guide, "Restricted commands", and of "Supported and restricted commands" the
# subcommands of ACL and CLUSTER. With arguments that Redis takes: only so it says what it thinks.
RESTRICTED = (
    *("BGREWRITEAOF", "BGSAVE", "CONFIG GET maxmemory", "DEBUG SLEEP 0", "FAILOVER", "PSYNC ? -1"),
    *("MIGRATE h 1 k 0 1", "REPLICAOF NO ONE", "SAVE", "SHUTDOWN NOSAVE", "SLAVEOF NO ONE", "SYNC"),
    *("ACL DELUSER sectest", "ACL LOAD", "ACL LOG", "ACL SAVE", "ACL SETUSER sectest"),
    *("CLUSTER ADDSLOTS 0", "CLUSTER DELSLOTS 0", "CLUSTER FAILOVER", "CLUSTER FORGET x"),
    *("CLUSTER MEET h 1", "CLUSTER REPLICATE x", "CLUSTER RESET", "CLUSTER SETSLOT 0 STABLE"),
)
# What the user's access string leaves out as well: environments/access.py. `redis.extra_commands`
# in the settings allows some of them, and then this check says so.
NOT_ALLOWED = ("FLUSHALL", "FLUSHDB", "KEYS *", "MONITOR", "ROLE", "SORT k", "SWAPDB 0 1")
_RESTRICTED_REFUSALS = (
    "NOPERM",
    "ERR unknown command",
    "ERR unknown subcommand",
    "ERR Unknown subcommand",
)


def restricted(target: Target) -> str:
    """Each is refused at every address, inside a transaction that is thrown away.

    There Redis checks whether the user may run it and only then puts it aside: no server is
    harmed that would have run it.
    """
    for address in target.addresses:
        with logged_in(target, address) as wire:
            for command in (*RESTRICTED, *NOT_ALLOWED):
                wire("MULTI")
                try:
                    answer = wire(*command.split())
                except RefusedError as refusal:
                    answer = str(refusal)
                if not answer.startswith(_RESTRICTED_REFUSALS):
                    raise BreachError(f"{command} at {address} with the token: {answer}")
                wire("DISCARD")
    tried = len(RESTRICTED + NOT_ALLOWED)
    return f"{tried} commands at {len(target.addresses)} addresses, with the token"


GUESSES = 40  # at an endpoint that others use
_GUESSES_OF_OURS = 5_000
_AT_ONCE = 1_000
_FEWEST_BITS = 128  # NIST SP 800-57: out of reach beyond 2030
_YEAR = 365.25 * 24 * 3600  # seconds
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


def hopeless(target: Target) -> str:
    """How long half of all tokens take at the speed of this server; a weak token is a breach."""
    bits, whose = 64 * math.log2(62), "the deployment's tokens have"
    if target.token is not None:
        bits, whose = strength(target.token), "the token has"
    if bits < _FEWEST_BITS:
        raise BreachError(f"the token has {bits:.0f} bits at most, fewer than {_FEWEST_BITS}")
    rate = _guesses_a_second(target)
    years = math.log10(2) * (bits - 1) - math.log10(rate * _YEAR)
    return (
        f"{rate:,.0f} guesses/s on one connection take 10^{years:.0f} years: "
        f"{whose} {bits:.0f} bits"
    )


def strength(token: str) -> float:
    """Bits that a token of this length and these characters has at most."""
    alphabet = sum(len(kind) for kind in _CLASSES if set(kind) & set(token))
    # Of characters drawn at random few are the same: one that repeats itself counts four times.
    return min(len(token), len(set(token)) * 4) * math.log2(max(alphabet, 1))


def heard(target: Target) -> str:
    """Redis closes no connection and bars no client: the alarm on refused logins must go off."""
    if not target.ours:
        raise NotHereError("the alarm is CloudWatch's: it should be in ALARM by now, so look there")
    limit = load("production").alarms.refused_logins_per_minute
    if target.rehearsal is not None:
        return _alarm(target, target.rehearsal, limit)
    before = refusals(target)
    _guesses_a_second(target, limit)
    count = refusals(target) - before
    if count < limit:
        raise BreachError(f"{limit} guesses, and {count} counted: the alarm would stay silent")
    return f"{limit} guesses count {count}: the alarm's {limit} a minute are reached"


def _alarm(target: Target, rehearsal: Rehearsal, limit: int) -> str:
    rehearsal.ask("metrics")
    _guesses_a_second(target, limit)
    count = sum(
        one["value"] for one in rehearsal.ask("metrics") if one["name"] == "AuthenticationFailures"
    )
    if count < limit:
        raise BreachError(f"{limit} guesses, and AuthenticationFailures rose by {count:g}")
    scenario = AlarmScenario(["refused-logins-warning"])
    scenario.begin(rehearsal)
    scenario.loads(rehearsal)
    return f"{limit} guesses, AuthenticationFailures +{count:g}: in ALARM, in Slack, then OK"


def _guesses_a_second(target: Target, guesses: int | None = None) -> float:
    left = guesses or (_GUESSES_OF_OURS if target.ours else GUESSES)
    batches = [min(_AT_ONCE, left - done) for done in range(0, left, _AT_ONCE)]
    texts = [b"".join(packed("AUTH", guess()) for _ in range(size)) for size in batches]
    began = time.perf_counter()
    with Wire(target.primary, target.trust) as wire:
        for size, text in zip(batches, texts, strict=True):
            wire.send(text)
            for _ in range(size):
                try:
                    wire.reply()
                except RefusedError as refusal:
                    if str(refusal).startswith("WRONGPASS"):
                        continue
                    raise BreachError(f"{target.primary} answers a guess: {refusal}") from None
                raise BreachError(f"{target.primary} took a guess")
    return left / (time.perf_counter() - began)
