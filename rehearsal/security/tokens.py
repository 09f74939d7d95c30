"""Wrong tokens: refused at every address, in every form of a login, and counted."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator

from rehearsal.security.outcome import BreachError, NotHereError
from rehearsal.security.target import Address, Target
from rehearsal.security.wire import RefusedError, Wire, logged_in

_USUAL = ("", "redis", "password", "foobared", "default", "admin", "root", "changeme")
_UNAUTHENTICATED_MOST = 16_384  # bytes of one word that Redis reads before a login, since 6.2.6
_STRANGERS = ("admin", "root", "replica", "DEFAULT", "", "default\0")

Login = tuple[str, ...]


def refused(target: Target) -> str:
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
    """A token of the form that the deployment makes, which nobody has."""
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
