"""What an upgrade must leave as it was: identity and data. And the engine that the nodes run."""

import random
import re
from hashlib import sha256
from typing import Any

from rehearsal.common import commands
from rehearsal.common.deployed import PARAMETERS, Deployed, Endpoint, check_group, described
from rehearsal.common.errors import RehearsalError, expect, expect_refusal, expect_that
from rehearsal.common.existence import exists
from rehearsal.common.rehearsal import Rehearsal, only, resources
from rehearsal.common.steps import deploy

_PREFIX = "upgrade-proof"
_TEXTS = 500
_EXPIRING = f"{_PREFIX}:expiring"
_LIFE = 3600  # seconds: longer than any rehearsal


# The same each time: a restored group is held to it too.
_RANDOM = random.Random(0)  # noqa: S311 - data, not secrets


def _word() -> str:
    return f"{_RANDOM.getrandbits(64):016x}"


_STRINGS = {f"{_PREFIX}:text:{number}": _word() for number in range(_TEXTS)}
_LIST = [_word() for _ in range(50)]
_SCORES = {_word(): float(_RANDOM.randrange(10**6)) for _ in range(50)}
_FIELDS = {_word(): _word() for _ in range(50)}
_IDS = [f"{number}-0" for number in range(1, 51)]


def write_data(rehearsal: Rehearsal) -> str:
    """Write keys of every type on the primary, and wait until every replica has them."""
    here = Deployed.of(rehearsal)
    with here.connect() as redis:
        redis.mset(_STRINGS)
        redis.rpush(f"{_PREFIX}:list", *_LIST)
        redis.sadd(f"{_PREFIX}:set", *_LIST)
        redis.hset(f"{_PREFIX}:hash", mapping=_FIELDS)
        redis.zadd(f"{_PREFIX}:sorted", _SCORES)
        for number in _IDS:
            redis.xadd(f"{_PREFIX}:stream", {"field": number}, id=number)
        redis.set(_EXPIRING, "it expires", ex=_LIFE)
        replicas = len(here.nodes) - 1
        expect("replicas that have the data", redis.wait(replicas, 5000), replicas)
    return f"{_TEXTS + 5} keys without an expiry and one with"


def check_data(rehearsal: Rehearsal, address: Endpoint | None = None) -> str:
    """RehearsalError with the first key that is not as it was written.

    `address` is another group's; without it the primary is asked.
    """
    with Deployed.of(rehearsal).connect(address) as redis:
        found: dict[str, Any] = dict(zip(_STRINGS, redis.mget(list(_STRINGS)), strict=True))
        found |= {
            f"{_PREFIX}:list": redis.lrange(f"{_PREFIX}:list", 0, -1),
            f"{_PREFIX}:set": redis.smembers(f"{_PREFIX}:set"),
            f"{_PREFIX}:hash": redis.hgetall(f"{_PREFIX}:hash"),
            f"{_PREFIX}:sorted": dict(redis.zrange(f"{_PREFIX}:sorted", 0, -1, withscores=True)),
            f"{_PREFIX}:stream": [entry for entry, _ in redis.xrange(f"{_PREFIX}:stream")],
            _EXPIRING: redis.get(_EXPIRING),
        }
        left = redis.ttl(_EXPIRING)
    wanted = (*_STRINGS.values(), _LIST, set(_LIST), _FIELDS, _SCORES, _IDS, "it expires")
    for (key, now), written in zip(found.items(), wanted, strict=True):
        expect_that(now == written, f"the upgrade lost data: {key} is {now!r}, not {written!r}")
    expect_that(0 < left <= _LIFE, f"{_EXPIRING} has {left} s to live: it had {_LIFE}")
    return f"all {_TEXTS + 6} keys are as they were written"


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


def identity(rehearsal: Rehearsal) -> dict[str, Any]:
    """What an upgrade must leave as it is, by its name; of the token it has the digest."""
    here = Deployed.of(rehearsal)
    ids = {
        f"{one.logical_id} of {one.stack}": one.physical_id
        for one in resources(rehearsal)
        if one.kind in STATEFUL
    }
    group = {name: here.group[name] for name in _OF_THE_GROUP} | here.endpoints
    # Another one locks clients out that cache the secret.
    return ids | group | {"the token": sha256(here.token.encode()).hexdigest()}


def require_same(before: dict[str, Any], after: dict[str, Any]) -> str:
    """RehearsalError with what an upgrade has taken away or replaced."""
    for name, value in before.items():
        expect(f"the upgrade lost or replaced {name}", after.get(name), value)
    return f"{len(before)} names, ids and addresses are the same, and the token"


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
    now = str(rehearsal.checkout.settings["redis"]["engine"])
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
