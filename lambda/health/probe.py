"""What a client does, done once: log in, write on the primary, read on a replica."""

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

from redis import Redis

from health.desired import Inside
from shared.auth_token import AuthToken
from shared.group import Endpoint
from shared.line import Line, lines_of
from shared.login import log_in, talk

LOGIN = "health-login"
REPLICATION = "health-replication"

KEY = "vibewell:health-check"
KEY_SECONDS = 60
WAIT_MILLISECONDS = 2000  # below the connection's own limit
MOST_LAG = 10  # seconds; a replica acknowledges every second (Redis documentation, "INFO")


def check_logins(endpoints: tuple[Endpoint, ...], token: AuthToken) -> Iterator[Line]:
    """TLS and AUTH at every address."""
    for endpoint in endpoints:
        yield from lines_of(
            f"login: {endpoint.name}", LOGIN, partial(_check_login, endpoint, token)
        )


def check_service(
    endpoints: tuple[Endpoint, ...], token: AuthToken, settings: Inside
) -> Iterator[Line]:
    """A write that a replica has, and the primary's own account of its replicas.

    In cluster mode nothing: the one address leads to any node, and a key is on one shard.
    """
    if settings.cluster_mode:
        return
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    primary, reader = by_name.get("primary"), by_name.get("reader")
    for name, endpoint in (("primary", primary), ("reader", reader)):
        if not endpoint:
            yield Line(f"address: {name}", False, "not given by AWS", "an address", LOGIN)
    if primary and reader:
        yield from lines_of(
            "write and read",
            REPLICATION,
            partial(_write_and_read, primary, reader, token, settings),
        )
    if primary:
        yield from lines_of(
            "replication", REPLICATION, partial(_replication, primary, token, settings)
        )


def _check_login(endpoint: Endpoint, token: AuthToken) -> Iterator[Line]:
    taken = log_in(endpoint, token)
    yield Line(
        f"login: {endpoint.name}",
        taken,
        "AWSCURRENT's token opens it over TLS" if taken else "AWSCURRENT's token is refused",
        "a login over TLS",
        LOGIN,
    )


def _write_and_read(
    primary: Endpoint, reader: Endpoint, token: AuthToken, settings: Inside
) -> Iterator[Line]:
    value = uuid.uuid4().hex

    def write(redis: Redis) -> int:
        redis.set(KEY, value, ex=KEY_SECONDS)
        # The reader is any replica: the value is looked for when all of them say they have it.
        return int(redis.wait(settings.replicas, WAIT_MILLISECONDS))

    acknowledged = talk(primary, token, write)
    read = talk(reader, token, lambda redis: redis.get(KEY)) == value.encode()
    yield Line(
        "write and read",
        acknowledged >= settings.replicas and read,
        f"{acknowledged} replicas acknowledged, the reader has {'it' if read else 'it not'}",
        f"{settings.replicas} replicas acknowledge within {WAIT_MILLISECONDS} ms",
        REPLICATION,
    )


def _replication(primary: Endpoint, token: AuthToken, settings: Inside) -> Iterator[Line]:
    info: dict[str, Any] = talk(primary, token, lambda redis: redis.info("replication"))
    replicas = [info[f"slave{number}"] for number in range(info["connected_slaves"])]
    online = [replica for replica in replicas if replica["state"] == "online"]
    lag = max((int(replica["lag"]) for replica in online), default=0)
    yield Line(
        "replication",
        info["role"] == "master" and len(online) == settings.replicas and lag <= MOST_LAG,
        f"{info['role']}, {len(online)} replicas online, {lag} s since the last acknowledgement",
        f"master, {settings.replicas} replicas online, at most {MOST_LAG} s",
        REPLICATION,
    )
