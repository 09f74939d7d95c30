"""Keys without an expiry, of every type that Redis has, written before and compared after."""

from __future__ import annotations

import random
from typing import Any

from emulator.resp import Redis
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal

_PREFIX = "upgrade-proof"
_TEXTS = 500
_EXPIRING = f"{_PREFIX}:expiring"
_LIFE = 3600  # seconds: longer than any rehearsal
_ALL = ("0", "-1")


class Kept:
    """What is written is the same for the same seed; `write` and `check` speak to the primary."""

    def __init__(self, seed: int = 0) -> None:
        words = random.Random(seed)  # noqa: S311 - data, not secrets

        def word() -> str:
            return f"{words.getrandbits(64):016x}"

        self._texts = {f"{_PREFIX}:text:{number}": word() for number in range(_TEXTS)}
        self._list = [word() for _ in range(50)]
        self._scores = {word(): str(words.randrange(10**6)) for _ in range(50)}
        self._fields = {word(): word() for _ in range(50)}
        self._ids = [f"{number}-0" for number in range(1, 51)]

    def write(self, rehearsal: Rehearsal) -> str:
        """Write everything, and wait until every replica has it."""
        with connected(rehearsal) as redis:
            redis("MSET", *_flat(self._texts))
            redis("RPUSH", f"{_PREFIX}:list", *self._list)
            redis("SADD", f"{_PREFIX}:set", *self._list)
            redis("HSET", f"{_PREFIX}:hash", *_flat(self._fields))
            scores = [word for name, score in self._scores.items() for word in (score, name)]
            redis("ZADD", f"{_PREFIX}:sorted", *scores)
            for number in self._ids:
                redis("XADD", f"{_PREFIX}:stream", number, "field", number)
            redis("SET", _EXPIRING, "it expires", "EX", str(_LIFE))
            replicas = len(described(rehearsal)["MemberClusters"]) - 1
            expect("replicas that have the data", redis("WAIT", str(replicas), "5000"), replicas)
        return f"{_TEXTS + 5} keys without an expiry and one with"

    def check(self, rehearsal: Rehearsal, address: tuple[str, int] | None = None) -> str:
        """RehearsalError with the first key that is not as it was written.

        `address` is another group's; without it the primary is asked.
        """
        with connected(rehearsal, address) as redis:
            found = dict(zip(self._texts, redis("MGET", *self._texts), strict=True))
            for key, value in self._texts.items():
                _same(key, found[key], value)
            for key, ask, written in self._others():
                _same(key, ask(redis), written)
            _same(_EXPIRING, redis("GET", _EXPIRING), "it expires")
            left = redis("TTL", _EXPIRING)
            expect_that(0 < left <= _LIFE, f"{_EXPIRING} has {left} s to live: it had {_LIFE}")
        return f"all {_TEXTS + 6} keys are as they were written"

    def _others(self) -> list[tuple[str, Any, object]]:
        def of(key: str) -> str:
            return f"{_PREFIX}:{key}"

        return [
            (of("list"), lambda redis: redis("LRANGE", of("list"), *_ALL), self._list),
            (of("set"), lambda redis: set(redis("SMEMBERS", of("set"))), set(self._list)),
            (of("hash"), lambda redis: _pairs(redis("HGETALL", of("hash"))), self._fields),
            (
                of("sorted"),
                lambda redis: _pairs(redis("ZRANGE", of("sorted"), *_ALL, "WITHSCORES")),
                self._scores,
            ),
            (
                of("stream"),
                lambda redis: [entry[0] for entry in redis("XRANGE", of("stream"), "-", "+")],
                self._ids,
            ),
        ]


def connected(rehearsal: Rehearsal, address: tuple[str, int] | None = None) -> Redis:
    """A connection that is logged in with the secret's token: to the primary, or that address."""
    if address is None:
        endpoint = described(rehearsal)["NodeGroups"][0]["PrimaryEndpoint"]
        address = (endpoint["Address"], int(endpoint["Port"]))
    redis = Redis(*address, rehearsal.authority)
    expect("AUTH", redis("AUTH", token(rehearsal)), "OK")
    return redis


def _same(key: str, found: object, written: object) -> None:
    expect_that(found == written, f"the upgrade lost data: {key} is {found!r}, not {written!r}")


def _flat(pairs: dict[str, str]) -> list[str]:
    return [word for pair in pairs.items() for word in pair]


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))
