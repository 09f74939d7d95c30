"""Every node type that ElastiCache offers for Redis OSS and Valkey replication groups.

Where each column comes from:

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
- durability: the families of the user guide's Durability page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final, Literal

PRICE_REGION: Final = "us-east-1"
PRICES_AS_OF: Final = date(2026, 10, 2)
DEFAULT_RESERVED_MEMORY_PERCENT: Final = 25

_GIB = 2**30
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
    """One node type. Prices are US dollars an hour in PRICE_REGION; None: not sold for it."""

    name: str
    memory_bytes: int
    vcpus: int
    max_connections: int
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


_VCPUS = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "10xlarge": 40,
    "12xlarge": 48,
    "16xlarge": 64,
    "24xlarge": 96,
}

_BURSTABLE = {  # vCPUs, credits an hour, most credits kept, baseline % per vCPU, connections
    "cache.t2.micro": (1, 6, 144, 10, 20_000),
    "cache.t2.small": (1, 12, 288, 20, 20_000),
    "cache.t2.medium": (2, 24, 576, 20, 20_000),
    "cache.t3.micro": (2, 12, 288, 10, 20_000),
    "cache.t3.small": (2, 24, 576, 20, 46_000),
    "cache.t3.medium": (2, 24, 576, 20, 46_000),
    "cache.t4g.micro": (2, 12, 288, 10, 20_000),
    "cache.t4g.small": (2, 24, 576, 20, 65_000),
    "cache.t4g.medium": (2, 24, 576, 20, 65_000),
}

_ROWS: tuple[tuple[str, int, float | None, float], ...] = (  # name, bytes, Redis $/h, Valkey $/h
    ("cache.t2.micro", 581_959_680, 0.017, 0.0136),
    ("cache.t2.small", 1_665_138_688, 0.034, 0.0272),
    ("cache.t2.medium", 3_461_349_376, 0.068, 0.0544),
    ("cache.t3.micro", 536_870_912, 0.017, 0.0136),
    ("cache.t3.small", 1_471_026_299, 0.034, 0.0272),
    ("cache.t3.medium", 3_317_862_236, 0.068, 0.0544),
    ("cache.t4g.micro", 536_870_912, 0.016, 0.0128),
    ("cache.t4g.small", 1_471_026_299, 0.032, 0.0256),
    ("cache.t4g.medium", 3_317_862_236, 0.065, 0.052),
    ("cache.m4.large", 6_892_593_152, 0.156, 0.1248),
    ("cache.m4.xlarge", 15_328_501_760, 0.311, 0.2488),
    ("cache.m4.2xlarge", 31_889_126_359, 0.623, 0.4984),
    ("cache.m4.4xlarge", 65_257_290_629, 1.245, 0.996),
    ("cache.m4.10xlarge", 166_047_614_239, 3.112, 2.4896),
    ("cache.m5.large", 6_854_542_746, 0.156, 0.1248),
    ("cache.m5.xlarge", 13_891_921_715, 0.311, 0.2488),
    ("cache.m5.2xlarge", 27_966_669_210, 0.623, 0.4984),
    ("cache.m5.4xlarge", 56_116_178_125, 1.245, 0.996),
    ("cache.m5.12xlarge", 168_715_971_994, 3.744, 2.9952),
    ("cache.m5.24xlarge", 337_500_562_842, 7.488, 5.9904),
    ("cache.m6g.large", 6_854_542_746, 0.149, 0.1192),
    ("cache.m6g.xlarge", 13_891_921_715, 0.297, 0.2376),
    ("cache.m6g.2xlarge", 27_966_669_210, 0.593, 0.4744),
    ("cache.m6g.4xlarge", 56_116_178_125, 1.186, 0.9488),
    ("cache.m6g.8xlarge", 111_325_552_312, 2.372, 1.8976),
    ("cache.m6g.12xlarge", 168_715_971_994, 3.557, 2.8456),
    ("cache.m6g.16xlarge", 225_000_375_228, 4.743, 3.7944),
    ("cache.m7g.large", 6_854_542_746, 0.158, 0.1264),
    ("cache.m7g.xlarge", 13_891_921_715, 0.315, 0.252),
    ("cache.m7g.2xlarge", 27_966_669_210, 0.629, 0.5032),
    ("cache.m7g.4xlarge", 56_116_178_125, 1.257, 1.0056),
    ("cache.m7g.8xlarge", 111_325_552_312, 2.514, 2.0112),
    ("cache.m7g.12xlarge", 168_715_971_994, 3.77, 3.016),
    ("cache.m7g.16xlarge", 225_000_375_228, 5.028, 4.0224),
    ("cache.m8g.large", 7_294_178_820, None, 0.1266),
    ("cache.m8g.xlarge", 15_222_495_510, None, 0.2531),
    ("cache.m8g.2xlarge", 31_866_224_640, None, 0.5062),
    ("cache.m8g.4xlarge", 65_856_864_256, None, 1.0125),
    ("cache.m8g.8xlarge", 133_838_143_488, None, 2.025),
    ("cache.m8g.12xlarge", 201_819_422_720, None, 3.0375),
    ("cache.m8g.16xlarge", 269_800_701_952, None, 4.05),
    ("cache.r4.large", 13_201_781_556, 0.228, 0.1824),
    ("cache.r4.xlarge", 26_898_228_839, 0.455, 0.364),
    ("cache.r4.2xlarge", 54_197_537_997, 0.91, 0.728),
    ("cache.r4.4xlarge", 108_858_546_586, 1.82, 1.456),
    ("cache.r4.8xlarge", 218_255_432_090, 3.64, 2.912),
    ("cache.r4.16xlarge", 437_021_573_120, 7.28, 5.824),
    ("cache.r5.large", 14_037_181_030, 0.216, 0.1728),
    ("cache.r5.xlarge", 28_261_849_702, 0.431, 0.3448),
    ("cache.r5.2xlarge", 56_711_183_565, 0.862, 0.6896),
    ("cache.r5.4xlarge", 113_609_865_216, 1.724, 1.3792),
    ("cache.r5.12xlarge", 341_206_346_547, 5.184, 4.1472),
    ("cache.r5.24xlarge", 682_485_973_811, 10.368, 8.2944),
    ("cache.r6g.large", 14_037_181_030, 0.206, 0.1648),
    ("cache.r6g.xlarge", 28_261_849_702, 0.411, 0.3288),
    ("cache.r6g.2xlarge", 56_711_183_565, 0.821, 0.6568),
    ("cache.r6g.4xlarge", 113_609_865_216, 1.642, 1.3136),
    ("cache.r6g.8xlarge", 225_000_375_228, 3.284, 2.6272),
    ("cache.r6g.12xlarge", 341_206_346_547, 4.925, 3.94),
    ("cache.r6g.16xlarge", 450_000_750_456, 6.567, 5.2536),
    ("cache.r6gd.xlarge", 28_261_849_702, 0.781, 0.6248),
    ("cache.r6gd.2xlarge", 56_711_183_565, 1.56, 1.248),
    ("cache.r6gd.4xlarge", 113_609_865_216, 3.12, 2.496),
    ("cache.r6gd.8xlarge", 225_000_375_228, 6.24, 4.992),
    ("cache.r6gd.12xlarge", 341_206_346_547, 9.358, 7.4864),
    ("cache.r6gd.16xlarge", 450_000_750_456, 12.477, 9.9816),
    ("cache.r7g.large", 14_037_181_030, 0.219, 0.1752),
    ("cache.r7g.xlarge", 28_261_849_702, 0.437, 0.3496),
    ("cache.r7g.2xlarge", 56_711_183_565, 0.873, 0.6984),
    ("cache.r7g.4xlarge", 113_609_865_216, 1.745, 1.396),
    ("cache.r7g.8xlarge", 225_000_375_228, 3.491, 2.7928),
    ("cache.r7g.12xlarge", 341_206_346_547, 5.235, 4.188),
    ("cache.r7g.16xlarge", 450_000_750_456, 6.981, 5.5848),
    ("cache.r8g.large", 15_222_495_510, None, 0.1756),
    ("cache.r8g.xlarge", 31_866_224_640, None, 0.3511),
    ("cache.r8g.2xlarge", 65_856_864_256, None, 0.7022),
    ("cache.r8g.4xlarge", 133_838_143_488, None, 1.4044),
    ("cache.r8g.8xlarge", 269_800_701_952, None, 2.8088),
    ("cache.r8g.12xlarge", 405_763_260_416, None, 4.2132),
    ("cache.r8g.16xlarge", 541_725_818_880, None, 5.6177),
    ("cache.c7gn.large", 3_317_862_236, 0.255, 0.204),
    ("cache.c7gn.xlarge", 6_854_542_746, 0.509, 0.4072),
    ("cache.c7gn.2xlarge", 13_891_921_715, 1.018, 0.8144),
    ("cache.c7gn.4xlarge", 27_966_669_210, 2.037, 1.6296),
    ("cache.c7gn.8xlarge", 56_116_178_125, 4.073, 3.2584),
    ("cache.c7gn.12xlarge", 84_357_985_997, 6.11, 4.888),
    ("cache.c7gn.16xlarge", 113_609_865_216, 8.147, 6.5176),
    ("cache.c8gn.large", 3_330_020_474, None, 0.1837),
    ("cache.c8gn.xlarge", 7_294_178_820, None, 0.3674),
    ("cache.c8gn.2xlarge", 15_222_495_510, None, 0.7348),
    ("cache.c8gn.4xlarge", 31_866_224_640, None, 1.4696),
    ("cache.c8gn.8xlarge", 65_856_864_256, None, 2.9392),
    ("cache.c8gn.12xlarge", 99_847_503_872, None, 4.4088),
    ("cache.c8gn.16xlarge", 133_838_143_488, None, 5.8784),
)


def _from_row(name: str, memory: int, redis: float | None, valkey: float) -> NodeType:
    if name not in _BURSTABLE:
        size = name.rpartition(".")[2]
        return NodeType(name, memory, _VCPUS[size], 65_000, redis, valkey, None)
    vcpus, per_hour, maximum, baseline, connections = _BURSTABLE[name]
    earned = CpuCredits(per_hour, maximum, baseline)
    return NodeType(name, memory, vcpus, connections, redis, valkey, earned)


NODE_TYPES: Final = {row[0]: _from_row(*row) for row in _ROWS}


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
