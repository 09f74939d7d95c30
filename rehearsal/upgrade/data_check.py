"""Keys without an expiry, of every type that Redis has, written before and compared after."""

import random

from redis import Redis

from rehearsal.common.checks.endpoints import connected
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal

_PREFIX = "upgrade-proof"
_TEXTS = 500
_EXPIRING = f"{_PREFIX}:expiring"
_LIFE = 3600  # seconds: longer than any rehearsal


class Kept:
    """What is written is the same for the same seed; `write` and `check` speak to the primary."""

    def __init__(self, seed: int = 0) -> None:
        words = random.Random(seed)  # noqa: S311 - data, not secrets

        def word() -> str:
            return f"{words.getrandbits(64):016x}"

        self._texts = {f"{_PREFIX}:text:{number}": word() for number in range(_TEXTS)}
        self._list = [word() for _ in range(50)]
        self._scores = {word(): float(words.randrange(10**6)) for _ in range(50)}
        self._fields = {word(): word() for _ in range(50)}
        self._ids = [f"{number}-0" for number in range(1, 51)]

    def write(self, rehearsal: Rehearsal) -> str:
        """Write everything, and wait until every replica has it."""
        with logged_in(rehearsal) as redis:
            redis.mset(self._texts)
            redis.rpush(f"{_PREFIX}:list", *self._list)
            redis.sadd(f"{_PREFIX}:set", *self._list)
            redis.hset(f"{_PREFIX}:hash", mapping=self._fields)
            redis.zadd(f"{_PREFIX}:sorted", self._scores)
            for number in self._ids:
                redis.xadd(f"{_PREFIX}:stream", {"field": number}, id=number)
            redis.set(_EXPIRING, "it expires", ex=_LIFE)
            replicas = len(described(rehearsal)["MemberClusters"]) - 1
            expect("replicas that have the data", redis.wait(replicas, 5000), replicas)
        return f"{_TEXTS + 5} keys without an expiry and one with"

    def check(self, rehearsal: Rehearsal, address: tuple[str, int] | None = None) -> str:
        """RehearsalError with the first key that is not as it was written.

        `address` is another group's; without it the primary is asked.
        """
        with logged_in(rehearsal, address) as redis:
            for key, found in zip(self._texts, redis.mget(list(self._texts)), strict=True):
                _same(key, found, self._texts[key])
            scores = redis.zrange(f"{_PREFIX}:sorted", 0, -1, withscores=True)
            stream = redis.xrange(f"{_PREFIX}:stream")
            for kind, found, written in (
                ("list", redis.lrange(f"{_PREFIX}:list", 0, -1), self._list),
                ("set", redis.smembers(f"{_PREFIX}:set"), set(self._list)),
                ("hash", redis.hgetall(f"{_PREFIX}:hash"), self._fields),
                ("sorted", dict(scores), self._scores),
                ("stream", [entry for entry, _ in stream], self._ids),
            ):
                _same(f"{_PREFIX}:{kind}", found, written)
            _same(_EXPIRING, redis.get(_EXPIRING), "it expires")
            left = redis.ttl(_EXPIRING)
            expect_that(0 < left <= _LIFE, f"{_EXPIRING} has {left} s to live: it had {_LIFE}")
        return f"all {_TEXTS + 6} keys are as they were written"


def logged_in(rehearsal: Rehearsal, address: tuple[str, int] | None = None) -> Redis:
    """A client that is logged in with the secret's token: to the primary, or that address."""
    if address is None:
        endpoint = described(rehearsal)["NodeGroups"][0]["PrimaryEndpoint"]
        address = (endpoint["Address"], int(endpoint["Port"]))
    return connected(rehearsal, address, password=token(rehearsal))


def _same(key: str, found: object, written: object) -> None:
    expect_that(found == written, f"the upgrade lost data: {key} is {found!r}, not {written!r}")
