"""Applications on the client package: one meets impostors, the other hostile identifiers.

With addresses (HOST:PORT...) it logs in at each. Without, its standard input is JSON: host, port,
token and prefix; its output is JSON too: how many decisions were made on hostile identifiers, and
what was wrong with one of them.
"""

import asyncio
import json
import sys
from contextlib import suppress

from redis.exceptions import RedisError

import vibewell_redis
import vibewell_redis.asyncio
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.decision import Decision, Source
from vibewell_redis.settings import Settings


def settings(host: str, port: int, token: str) -> Settings:
    """One attempt a connection; a limit that no check exhausts, in windows of a minute."""
    limits = ("GENERAL", "AUTH", "SENSITIVE", "ADMIN", "MFA", "FINANCIAL")
    return Settings.from_environment(
        {
            "REDIS_ENABLED": "true",
            "REDIS_URL": f"rediss://{host}:{port}",
            "REDIS_TLS": "true",
            "REDIS_PASSWORD": token,
            "REDIS_TIMEOUT": "2000",
            "REDIS_MAX_RECONNECT_ATTEMPTS": "0",
            **{f"RATE_LIMIT_{name}": "100,60" for name in limits},
        }
    )


CANARY = "canary"  # the identifier whose counters the others must not reach

VALUES = (
    # Redis' own protocol, and its inline form
    *("*1\r\n$8\r\nFLUSHALL\r\n", "x\r\n*1\r\n$8\r\nFLUSHALL\r\n", "x\r\nFLUSHALL\r\n"),
    *("x\nFLUSHALL\n", "\r\n", "$-1\r\n", "x FLUSHALL", '" FLUSHALL "'),
    # Lua, and the words of the script
    *("') redis.call('FLUSHALL') --", "]] redis.call('FLUSHALL') [[", "KEYS[1]"),
    # the hash tag, and the key's own form
    *("}{", "{", "}", "{other}", "x}:general:user:{y", ":", "::", f"user:{CANARY}"),
    *(f"general:user:{CANARY}", f"../user:{CANARY}", f"{{rl}}:general:user:{CANARY}"),
    f"x:{CANARY}",
    # what comes near to the canary
    *(f"{CANARY}\0", f"\0{CANARY}", f"{CANARY} ", f" {CANARY}", f"{CANARY}\r\n", CANARY.upper()),
    f"{CANARY}\u200b",
    "c\u0430nary",  # a Cyrillic letter
    # bytes that are no text
    *("\0", "a\0b", "\x7f\x80\xff", "\ud800", "\udfff\ud800", "\udc80"),
    # text of all kinds
    *(" ", "\t", "é", "e\u0301", "名前", "🙂", "\u202e"),
    # patterns, and a digest's form
    *("*", "?", "[a-z]", "#", "#AAAAAAAAAAAAAAAAAAAAAA"),
    # long ones, which differ in one place
    *("x" * 48, "x" * 49, "x" * 50, "x" * 100_000, "x" * 99_999 + "y", "\0" * 100_000),
)


TIERS = ("general", "auth")
_DEADLINE = 30.0  # seconds: it is not speed that is tried here


async def _attack(host: str, port: int, token: str, prefix: str) -> dict[str, object]:
    limiter = RateLimiter.from_settings(
        settings(host, port, token), deadline=_DEADLINE, prefix=prefix
    )
    try:
        await limiter.connect()
        alone = [await _hit(limiter, value) for value in VALUES]
        together = await asyncio.gather(*(_hit(limiter, value) for value in VALUES))
    finally:
        await limiter.aclose()
    wrong = [*_wrong(alone, 1), *_wrong(together, 2)]
    return {"decisions": len(alone) + len(together), "wrong": wrong[0] if wrong else None}


async def _hit(limiter: RateLimiter, value: str) -> Decision:
    return await limiter.hit(*TIERS, user=value, ip=value)


def _wrong(decisions: list[Decision], hits: int) -> list[str]:
    """Whoever has a counter of his own has used it just so often."""
    found = []
    for value, decision in zip(VALUES, decisions, strict=True):
        if decision.source is not Source.REDIS:
            found.append(f"Redis did not decide for {value[:40]!r}, but {decision.source}")
        used = {window.item.requests - window.remaining for window in decision.windows}
        if used != {hits}:
            found.append(f"{value[:40]!r} was counted {sorted(used)} times, not {hits}")
    return found


TOKEN = "a-token-for-impostors"  # noqa: S105 - it opens nothing


def log_in(addresses: list[str]) -> None:
    """Both halves of the package. What they raise is theirs: the impostor says what it received."""
    for address in addresses:
        host, _, port = address.rpartition(":")
        asyncio.run(_asynchronous(host, int(port)))
        _synchronous(host, int(port))


async def _asynchronous(host: str, port: int) -> None:
    pool = vibewell_redis.asyncio.connection_pool(settings(host, port, TOKEN))
    with suppress(RedisError, OSError):
        await pool.get_connection()
    await pool.aclose()


def _synchronous(host: str, port: int) -> None:
    pool = vibewell_redis.connection_pool(settings(host, port, TOKEN))
    with suppress(RedisError, OSError):
        pool.get_connection()  # type: ignore[no-untyped-call]
    pool.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        log_in(sys.argv[1:])
    else:
        json.dump(asyncio.run(_attack(**json.load(sys.stdin))), sys.stdout)
