"""What only Redis can say, asked of each node with fixed words: memory, and clients by address.

The answers are figures and addresses: no key, no argument of a command, no name of a client.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.auth_token import AuthToken
from shared.errors import StoppedError
from shared.group import Endpoint
from shared.login import talk

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
