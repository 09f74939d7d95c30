"""What the nodes do: TLS and AUTH at both addresses, replicas that replicate."""

from redis import Redis
from redis import exceptions as problems

from emulator.nodes.server import connect
from rehearsal.common.checks.endpoints import Endpoint, connected, endpoints
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import GROUP
from rehearsal.common.checks.shards import Shard, shards_of
from rehearsal.common.deployed import only
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

_PROBE, _WRITTEN = "rehearsal:probe", "written to the primary"


def check(rehearsal: Rehearsal) -> str:
    """The token of the secret opens every address, nothing else opens any."""
    addresses, secret = endpoints(rehearsal), token(rehearsal)
    for at in addresses.values():
        _refuses(rehearsal, at, None, "Authentication required")
        _refuses(rehearsal, at, secret[::-1], "invalid username-password pair")
        _no_plain_text(at)
        with connected(rehearsal, at, password=secret) as redis:
            expect("PING", redis.ping(), True)
            _may_not_list_keys(redis)
    if "Configuration" in addresses:
        shards = shards_of(rehearsal, secret)
        for shard in shards:
            _replicates(rehearsal, shard)
        return (
            f"TLS and AUTH at {len(addresses)} addresses, replicas of {len(shards)} shards in step"
        )
    replicas = int(only(rehearsal, GROUP).properties["NumCacheClusters"]) - 1
    with connected(rehearsal, addresses["Primary"], password=secret) as redis:
        _write(redis, _PROBE, replicas)
    with connected(rehearsal, addresses["Reader"], password=secret) as redis:
        expect("read from a replica", redis.get(_PROBE), _WRITTEN)
        _takes_no_write(redis, _PROBE)
    return f"TLS and AUTH at both addresses, {replicas} replicas in step"


def token(rehearsal: Rehearsal) -> str:
    """The AUTH token, read as an application reads it."""
    secret = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    value: str = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return value


def _replicates(rehearsal: Rehearsal, shard: Shard) -> None:
    """A key of the shard's own slots, written on its primary, is on each of its replicas."""
    secret, probe = token(rehearsal), shard.key(_PROBE)
    with connected(rehearsal, shard.primary, password=secret) as redis:
        _write(redis, probe, len(shard.replicas))
    for replica in shard.replicas:
        with connected(rehearsal, replica, password=secret) as redis:
            redis.readonly()
            expect("read from a replica", redis.get(probe), _WRITTEN)


def _write(redis: Redis, key: str, replicas: int) -> None:
    redis.set(key, _WRITTEN, ex=60)
    expect("replicas that acknowledged a write", redis.wait(replicas, 5000), replicas)


def _takes_no_write(redis: Redis, key: str) -> None:
    try:
        redis.set(key, "written to a replica")
    except problems.ReadOnlyError:
        return
    raise RehearsalError("the reader address leads to a node that takes writes")


def _may_not_list_keys(redis: Redis) -> None:
    try:
        redis.keys("*")
    except problems.NoPermissionError:
        return
    raise RehearsalError("clients may KEYS")


def _refuses(rehearsal: Rehearsal, at: Endpoint, password: str | None, words: str) -> None:
    # With the older protocol, as the newer one is asked for before anything else.
    with connected(rehearsal, at, password=password, protocol=2) as redis:
        try:
            redis.ping()
        except problems.AuthenticationError as refusal:
            expect_that(words in str(refusal), f"{at} says {refusal}, not {words}")
            return
    raise RehearsalError(f"{at} answered a client that is not logged in")


def _no_plain_text(at: Endpoint) -> None:
    try:
        with connect(*at, ca_file=None) as redis:
            redis.ping()
    except (problems.ConnectionError, problems.TimeoutError):
        return
    raise RehearsalError(f"{at} answered without TLS")
