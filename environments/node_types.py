"""Every node type that ElastiCache offers for Redis OSS and Valkey replication groups.

Where each column of node_types.csv comes from:

- name: ElastiCache user guide, "Supported node types" (CacheNodes.SupportedTypes), as of
  Valkey 9.1. It lists M4 and R4 among the current generation. T2 is previous generation: what
  runs may stay, nothing new can be created. M8g, R8g and C8gn are listed for Valkey only.
- memory: the maxmemory column, in bytes, of "node-type specific parameters" in the user guide's
  "Engine specific parameters" (the Redis OSS and the Valkey table agree).
- connections: the maxclients row of the same page: 65,000 unless a type is named.
- CPU credits and vCPUs of T types: "Burstable Performance Instances" in the user guide.
- vCPUs of the other types: the EC2 instance type of the same name. ElastiCache does not print
  them, so they are inferred from the size.
- prices: on demand, US dollars an hour, third-party copies of the AWS Price List read on
  PRICES_AS_OF. Redis prices leave out Extended Support and Valkey prices leave out durability,
  both of which are billed on top.
- baseline bandwidth: the column "Baseline bandwidth (Gbps)" of "Supported node types", whose tables
  for Redis OSS and Valkey agree. Above it a type of up to 4xlarge lives on network credits ("on a
  best-effort basis"); then packets are delayed or dropped. As on EC2, it is counted for each
  direction ("Amazon EC2 instance network bandwidth").
- durability: the families of the user guide's Durability page.
"""

from collections.abc import Callable, Mapping
from csv import DictReader
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

PRICE_REGION: Final = "us-east-1"
PRICES_AS_OF: Final = date(2026, 10, 2)
DEFAULT_RESERVED_MEMORY_PERCENT: Final = 25

_GIB = 2**30
_CREDITS = ("credits_per_hour", "most_credits", "baseline_percent")
_DURABLE_FAMILIES = frozenset({"m6g", "m7g", "m8g", "r6g", "r7g", "r8g", "c7gn", "c8gn"})
_VALKEY_ONLY_FAMILIES = frozenset({"m8g", "r8g", "c8gn"})


@dataclass(frozen=True, slots=True)
class CpuCredits:
    """What a burstable node may spend: one credit is one vCPU at full speed for one minute.

    `baseline_percent` is the load per vCPU that the earned credits pay for without end.
    """

    per_hour: int
    maximum: int
    baseline_percent: int


@dataclass(frozen=True, slots=True)
class NodeType:
    """One node type. Prices are US dollars an hour in PRICE_REGION; None: not sold for it.

    `baseline_gbps` is what it has in each direction without end, in gigabits a second.
    """

    name: str
    memory_bytes: int
    vcpus: int
    max_connections: int
    baseline_gbps: float
    redis_price: float | None
    valkey_price: float
    cpu_credits: CpuCredits | None

    @property
    def family(self) -> str:
        """The part between the dots: "t3" in cache.t3.medium."""
        return self.name.split(".")[1]

    @property
    def memory_gib(self) -> float:
        """The node's maxmemory in GiB, before any reserve."""
        return self.memory_bytes / _GIB

    @property
    def usable_gib(self) -> float:
        """GiB that data can fill at the default reserved-memory-percent."""
        return self.memory_gib * (100 - DEFAULT_RESERVED_MEMORY_PERCENT) / 100

    @property
    def burstable(self) -> bool:
        """Whether the CPU falls to a baseline once its credits are spent."""
        return self.cpu_credits is not None

    @property
    def previous_generation(self) -> bool:
        """Whether ElastiCache keeps such nodes running but creates no new ones."""
        return self.family == "t2"

    @property
    def valkey_only(self) -> bool:
        """Whether Redis OSS cannot run on it."""
        return self.family in _VALKEY_ONLY_FAMILIES

    @property
    def supports_data_tiering(self) -> bool:
        """Whether it has the SSD that DataTieringEnabled needs."""
        return self.family == "r6gd"

    @property
    def supports_durability(self) -> bool:
        """Whether Valkey 9 can run on it with Durability sync or async."""
        return self.family in _DURABLE_FAMILIES

    def price(self, engine: Literal["redis", "valkey"]) -> float | None:
        """US dollars an hour on demand in PRICE_REGION; None if the engine has no such node."""
        return self.redis_price if engine == "redis" else self.valkey_price


def _from_row(row: Mapping[str, str]) -> NodeType:
    earned = [int(row[name]) for name in _CREDITS if row[name]]
    return NodeType(
        name=row["name"],
        memory_bytes=int(row["memory_bytes"]),
        vcpus=int(row["vcpus"]),
        max_connections=int(row["max_connections"]),
        baseline_gbps=float(row["baseline_gbps"]),
        redis_price=float(row["redis_price"]) if row["redis_price"] else None,
        valkey_price=float(row["valkey_price"]),
        cpu_credits=CpuCredits(*earned) if earned else None,
    )


with Path(__file__).with_suffix(".csv").open() as _table:
    NODE_TYPES: Final = {row["name"]: _from_row(row) for row in DictReader(_table)}


def node_type(name: str) -> NodeType:
    """Return the node type called `name`, such as "cache.t3.medium".

    Raises ValueError, naming the nearest real type, if ElastiCache has none of that name: cfn-lint
    and `cdk synth` let it pass, so that only the deployment would fail.
    """
    found = NODE_TYPES.get(name)
    if found is not None:
        return found
    wanted = name.strip().lower()
    family = wanted.rpartition(".")[0]
    relatives = [known for known in NODE_TYPES if known.rpartition(".")[0] == family]
    nearest = get_close_matches(wanted, relatives or NODE_TYPES, n=1)
    advice = f'"{nearest[0]}"' if nearest else 'a name such as "cache.t3.medium"'
    raise ValueError(
        f'"{name}" is not a node type that ElastiCache offers, so the deployment would fail. '
        f"Write {advice} instead."
    )


def smallest_with(gib: float, like: NodeType) -> NodeType | None:
    """Return the cheapest node type with at least `gib` GiB usable that can stand in for `like`."""
    return cheapest(lambda node: node.usable_gib >= gib, like=like)


def cheapest(fits: Callable[[NodeType], bool], like: NodeType) -> NodeType | None:
    """Return the cheapest node type that `fits` and can stand in for `like`.

    It can still be created, runs the engines that `like` runs, supports durability if `like` does,
    has data tiering exactly if `like` has, and is burstable only if `like` is. Prices are compared
    for Valkey if `like` runs nothing else, otherwise for Redis OSS. None if no type fits.
    """
    engine: Literal["redis", "valkey"] = "valkey" if like.valkey_only else "redis"
    priced = [
        (price, node.memory_bytes, node.name)
        for node in NODE_TYPES.values()
        if fits(node)
        and not node.previous_generation
        and node.supports_data_tiering == like.supports_data_tiering
        and node.supports_durability >= like.supports_durability
        and node.burstable <= like.burstable
        and (price := node.price(engine)) is not None
    ]
    return NODE_TYPES[min(priced)[2]] if priced else None
