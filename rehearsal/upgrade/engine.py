"""What an upgrade must leave as it was: identity and data. And the engine that the nodes run."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from rehearsal.common import commands
from rehearsal.common.deployed import PARAMETERS, Deployed, check_group, described
from rehearsal.common.errors import RehearsalError, expect, expect_refusal, expect_that
from rehearsal.common.existence import exists
from rehearsal.common.rehearsal import Rehearsal, only, resources
from rehearsal.common.steps import deploy

_PREFIX = "upgrade-proof"
_TEXTS = 500
_EXPIRING = f"{_PREFIX}:expiring"
_LIFE = 3600  # seconds: longer than any rehearsal


class DataCheck:
    """What is written is the same for the same seed; `write` and `check` use the primary."""

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
    return Deployed.of(rehearsal).connect(address)


def _same(key: str, found: object, written: object) -> None:
    expect_that(found == written, f"the upgrade lost data: {key} is {found!r}, not {written!r}")


# What holds data or a secret, or a name and a place that those depend on.
STATEFUL = frozenset(
    {
        "AWS::EC2::SecurityGroup",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
)
# As `cdk diff` prints one: [~] AWS::KMS::Key Key Key961B73FD replace
_CHANGE = re.compile(r"^\[([~-])\] (AWS::\S+) (.*)$", re.MULTILINE)
_OF_THE_GROUP = ("ReplicationGroupCreateTime", "MemberClusters")


@dataclass(frozen=True)
class Identity:
    """`resources` are physical ids by stack and logical id; the token is never shown."""

    resources: dict[tuple[str, str], str]
    group: dict[str, Any]
    token: str = field(repr=False)

    @classmethod
    def of(cls, rehearsal: Rehearsal) -> Identity:
        """What is deployed now."""
        here = Deployed.of(rehearsal)
        group = {name: here.group[name] for name in _OF_THE_GROUP} | here.endpoints
        ids = {
            (one.stack, one.logical_id): one.physical_id
            for one in resources(rehearsal)
            if one.kind in STATEFUL
        }
        return cls(ids, group, here.token)

    def require_same(self, after: Identity) -> str:
        """RehearsalError with what an upgrade has taken away or replaced."""
        for (stack, logical_id), physical_id in self.resources.items():
            found = after.resources.get((stack, logical_id))
            expect_that(
                found == physical_id,
                f"the upgrade lost {logical_id} of {stack}: it was {physical_id}, now it is "
                f"{found or 'gone'}",
            )
        for name, value in self.group.items():
            expect_that(
                after.group[name] == value,
                f"the upgrade replaced the group: {name} was {value}, now {after.group[name]}",
            )
        expect_that(
            after.token == self.token,
            "the upgrade changed the token: clients that cache the secret are locked out",
        )
        return f"{len(self.resources)} resources that hold something are the same, and the token"


def require_nothing_replaced(rehearsal: Rehearsal) -> str:
    """RehearsalError if the change set of what is synthesised replaces or deletes any of them.

    "May be replaced" is not judged: the embedded CloudFormation says it of any change of a key.
    Whether it was is seen afterwards, by the physical ids.
    """
    changes = _CHANGE.findall(rehearsal.cdk.diff())
    lost = [
        f"{kind} {what}"
        for sign, kind, what in changes
        if kind in STATEFUL and (sign == "-" or what.endswith(" replace"))
    ]
    if lost:
        raise RehearsalError(
            "this upgrade would replace or delete what holds something, and is not deployed:\n- "
            + "\n- ".join(lost)
        )
    return f"{len(changes)} resources change, none that holds something is replaced"


def named(rehearsal: Rehearsal) -> str:
    """The engine in the environment's file, as `redis-6.2`."""
    return str(rehearsal.checkout.settings["redis"]["engine"])


def running(rehearsal: Rehearsal) -> str:
    """The engine that every server says of itself, in the file's words.

    RehearsalError if they differ.
    """
    found: dict[str, str] = {}
    here = Deployed.of(rehearsal)
    for name, address in here.nodes.items():
        with here.connect(address) as redis:
            said = redis.info("server")
        engine = "valkey" if "valkey_version" in said else "redis"
        version = ".".join(said[f"{engine}_version"].split(".")[:2])
        found[name] = f"{engine}-{version}"
    if len(set(found.values())) != 1:
        raise RehearsalError(f"the nodes run different servers: {found}")
    return found.popitem()[1]


def change_to(rehearsal: Rehearsal, engine: str) -> str:
    """Change the file's one line to this engine and deploy it with the CDK command line."""
    old = only(rehearsal, PARAMETERS).physical_id
    before = running(rehearsal)
    rehearsal.checkout.set("redis.engine", engine)
    rehearsal.cdk.synth(rehearsal.checkout.name)
    said = require_nothing_replaced(rehearsal)
    deploy(rehearsal)
    expect("the servers", running(rehearsal), engine)
    check_group(rehearsal)
    new = only(rehearsal, PARAMETERS).physical_id
    expect_that(new != old, f"the group still has the parameters of {before}: {old}")
    left = exists(rehearsal.aws, PARAMETERS, old)
    expect_that(not left, f"the parameter group of {before} was left behind: {old}")
    return f"{before} -> {engine} on every node; {said}; its own parameter group, the old is gone"


def refused(rehearsal: Rehearsal, engine: str) -> str:
    """The way back: `make deploy` says no before AWS is asked, and AWS says no to what insists."""
    now = named(rehearsal)
    rehearsal.checkout.set("redis.engine", engine)
    try:
        words = ("older", "docs/operate/upgrades.md")
        said = commands.printed(rehearsal, commands.guard(rehearsal), *words, fails=True)
        rehearsal.cdk.synth(rehearsal.checkout.name)
        done = f"{now} -> {engine} was deployed: AWS would not have done it"
        with expect_refusal(RehearsalError, otherwise=done, words="cannot be downgraded"):
            deploy(rehearsal)
    finally:
        rehearsal.checkout.set("redis.engine", now)
        rehearsal.cdk.synth(rehearsal.checkout.name)
    expect("the servers after the refusal", running(rehearsal), now)
    expect("the group", described(rehearsal)["Status"], "available")
    return said.strip()
