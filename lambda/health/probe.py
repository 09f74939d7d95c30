"""What only Redis can say: a login, a write and a read as a client does them, and fixed questions.

The answers to questions are figures and addresses: no key, no argument, no name of a client.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from redis import Redis

from health.desired import Inside
from shared.auth_token import AuthToken
from shared.errors import StoppedError
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
        name = f"login: {endpoint.name}"
        yield from lines_of(name, LOGIN, partial(_check_login, name, endpoint, token))


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
        write = partial(_write_and_read, primary, reader, token, settings)
        yield from lines_of("write and read", REPLICATION, write)
    if primary:
        replication = partial(_replication, primary, token, settings)
        yield from lines_of("replication", REPLICATION, replication)


def _check_login(name: str, endpoint: Endpoint, token: AuthToken) -> Iterator[Line]:
    taken = log_in(endpoint, token)
    found = "AWSCURRENT's token opens it over TLS" if taken else "AWSCURRENT's token is refused"
    yield Line(name, taken, found, "a login over TLS", LOGIN)


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


Figures = dict[str, float]

MOST_ADDRESSES = 15  # of the busiest; the others are one figure
_MEMORY = (
    *("used_memory", "used_memory_dataset", "used_memory_overhead", "maxmemory"),
    *("mem_clients_normal", "mem_clients_slaves", "mem_replication_backlog"),
    *("mem_fragmentation_ratio", "lazyfree_pending_objects"),
)


def memory(redis: Any) -> Figures:
    """INFO's figures of memory in bytes, and how many keys there are, with and without expiry."""
    info = redis.info("memory")
    figures = {name: float(info[name]) for name in _MEMORY if name in info}
    databases = [db for db in redis.info("keyspace").values() if isinstance(db, dict)]
    keys, expiring = (sum(int(db[what]) for db in databases) for what in ("keys", "expires"))
    evicted = float(redis.info("stats").get("evicted_keys", 0))
    return figures | {
        "keys": float(keys),
        "keys without an expiry": float(keys - expiring),
        "keys evicted since the node began": evicted,
    }


def clients(redis: Any) -> Figures:
    """How many connections each address has, of CLIENT LIST; ports, names and commands are left."""
    found = Counter(str(one["addr"]).rpartition(":")[0] for one in redis.client_list())
    busiest = dict(found.most_common(MOST_ADDRESSES))
    rest = {"all other addresses": found.total() - sum(busiest.values())}
    counts = {"addresses": len(found)} | busiest | rest
    return {name: float(count) for name, count in counts.items() if count}


QUESTIONS: dict[str, Callable[[Any], Figures]] = {"memory": memory, "clients": clients}
_AT_ONCE = 8  # nodes
_ROLES = {"master": "primary", "slave": "replica"}


def answers(question: str, nodes: Iterable[Endpoint], token: AuthToken) -> Iterator[dict[str, Any]]:
    """What each node answers, with its role; of one that cannot be asked, why."""

    def asked(redis: Any) -> dict[str, Any]:
        role = str(redis.info("replication").get("role"))
        return {"role": _ROLES.get(role, role), "figures": QUESTIONS[question](redis)}

    def answer(node: Endpoint) -> dict[str, Any]:
        try:
            return {"name": node.name, **talk(node, token, asked)}
        except StoppedError as problem:
            return {"name": node.name, "figures": {}, "problem": str(problem)}

    with ThreadPoolExecutor(_AT_ONCE) as pool:  # nodes that are gone would add up their time
        yield from pool.map(answer, nodes)
