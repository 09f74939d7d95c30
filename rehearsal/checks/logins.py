"""What the nodes do: TLS and AUTH at both addresses, replicas that replicate."""

from rehearsal.checks.expecting import expect, expect_that
from rehearsal.checks.replication_group import GROUP, described
from rehearsal.deployed import only
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from rehearsal.resp import Redis, RefusedError

_PROBE = "rehearsal:probe"


def check(rehearsal: Rehearsal) -> str:
    """The token of the secret opens both addresses, nothing else opens any."""
    group = described(rehearsal)
    shard = group["NodeGroups"][0]
    primary, reader = shard["PrimaryEndpoint"], shard["ReaderEndpoint"]
    secret = token(rehearsal)
    for endpoint in (primary, reader):
        host, port = endpoint["Address"], int(endpoint["Port"])
        _refuses(rehearsal, host, port, (), "NOAUTH")
        _refuses(rehearsal, host, port, ("AUTH", secret[::-1]), "WRONGPASS")
        _no_plain_text(host, port)
        with Redis(host, port, rehearsal.authority) as redis:
            expect("AUTH", redis("AUTH", secret), "OK")
            expect("PING", redis("PING"), "PONG")
    with Redis(primary["Address"], int(primary["Port"]), rehearsal.authority) as redis:
        redis("AUTH", secret)
        redis("SET", _PROBE, "written to the primary", "EX", "60")
        replicas = int(only(rehearsal, GROUP).properties["NumCacheClusters"]) - 1
        expect("replicas that acknowledged a write", redis("WAIT", str(replicas), "5000"), replicas)
    with Redis(reader["Address"], int(reader["Port"]), rehearsal.authority) as redis:
        redis("AUTH", secret)
        expect("read from a replica", redis("GET", _PROBE), "written to the primary")
        try:
            redis("SET", _PROBE, "written to a replica")
        except RefusedError as refusal:
            expect_that(str(refusal).startswith("READONLY"), f"a replica says {refusal}")
        else:
            raise RehearsalError("the reader address leads to a node that takes writes")
    return f"TLS and AUTH at both addresses, {replicas} replicas in step"


def token(rehearsal: Rehearsal) -> str:
    """The AUTH token, read as an application reads it."""
    secret = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    value: str = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return value


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
