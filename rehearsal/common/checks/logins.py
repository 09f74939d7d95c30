"""What the nodes do: TLS and AUTH at both addresses, replicas that replicate."""

from emulator.errors import RehearsalError
from emulator.resp import Redis, RefusedError
from rehearsal.common.checks.endpoints import endpoints
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import GROUP
from rehearsal.common.checks.shards import Shard, shards_of
from rehearsal.common.deployed import only
from rehearsal.common.rehearsal import Rehearsal

_PROBE = "rehearsal:probe"


def check(rehearsal: Rehearsal) -> str:
    """The token of the secret opens every address, nothing else opens any."""
    addresses, secret = endpoints(rehearsal), token(rehearsal)
    for host, port in addresses.values():
        _refuses(rehearsal, host, port, (), "NOAUTH")
        _refuses(rehearsal, host, port, ("AUTH", secret[::-1]), "WRONGPASS")
        _no_plain_text(host, port)
        with Redis(host, port, rehearsal.authority) as redis:
            expect("AUTH", redis("AUTH", secret), "OK")
            expect("PING", redis("PING"), "PONG")
            _may_not(redis, "KEYS", "*")
    if "Configuration" in addresses:
        shards = shards_of(rehearsal, secret)
        for shard in shards:
            _replicates(rehearsal, shard)
        return (
            f"TLS and AUTH at {len(addresses)} addresses, replicas of {len(shards)} shards in step"
        )
    replicas = int(only(rehearsal, GROUP).properties["NumCacheClusters"]) - 1
    with Redis(*addresses["Primary"], rehearsal.authority) as redis:
        redis("AUTH", secret)
        redis("SET", _PROBE, "written to the primary", "EX", "60")
        expect("replicas that acknowledged a write", redis("WAIT", str(replicas), "5000"), replicas)
    with Redis(*addresses["Reader"], rehearsal.authority) as redis:
        redis("AUTH", secret)
        expect("read from a replica", redis("GET", _PROBE), "written to the primary")
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
    with Redis(*shard.primary, rehearsal.authority) as redis:
        redis("AUTH", secret)
        redis("SET", probe, "written to the primary", "EX", "60")
        replicas = len(shard.replicas)
        expect("replicas that acknowledged a write", redis("WAIT", str(replicas), "5000"), replicas)
    for replica in shard.replicas:
        with Redis(*replica, rehearsal.authority) as redis:
            redis("AUTH", secret)
            redis("READONLY")
            expect("read from a replica", redis("GET", probe), "written to the primary")


def _takes_no_write(redis: Redis, key: str) -> None:
    try:
        redis("SET", key, "written to a replica")
    except RefusedError as refusal:
        expect_that(str(refusal).startswith("READONLY"), f"a replica says {refusal}")
    else:
        raise RehearsalError("the reader address leads to a node that takes writes")


def _may_not(redis: Redis, *words: str) -> None:
    try:
        redis(*words)
    except RefusedError as refusal:
        expect_that(str(refusal).startswith("NOPERM"), f"{words[0]} is answered with {refusal}")
    else:
        raise RehearsalError(f"clients may {words[0]}")


def _refuses(rehearsal: Rehearsal, host: str, port: int, login: tuple[str, ...], code: str) -> None:
    with Redis(host, port, rehearsal.authority) as redis:
        try:
            if login:
                redis(*login)
            redis("PING")
        except RefusedError as refusal:
            expect_that(str(refusal).startswith(code), f"{host}:{port} says {refusal}, not {code}")
            return
    raise RehearsalError(f"{host}:{port} answered a client that is not logged in")


def _no_plain_text(host: str, port: int) -> None:
    try:
        with Redis(host, port, authority=None) as redis:
            redis("PING")
    except (ConnectionError, TimeoutError):
        return
    raise RehearsalError(f"{host}:{port} answered without TLS")
