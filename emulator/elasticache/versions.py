"""Engines, versions and node types that ElastiCache has.

Sources: ElastiCache user guide, "Supported engines and versions" and "Supported node types". The
patch numbers of Valkey 8.1 and later are unverified. Memory in GiB is also a node's maxmemory:
cache.t3.medium has 3,317,862,236 bytes, which are 3.09 GiB.
"""

from dataclasses import dataclass

from emulator.elasticache.wire import invalid_combination, invalid_value

GIB = 1 << 30


@dataclass(frozen=True, order=True)
class Version:
    """One engine version; ordered as upgrades go: every Redis before every Valkey."""

    rank: tuple[int, ...]
    engine: str
    text: str
    family: str

    @property
    def short(self) -> str:
        """Major and minor only: what decides the server that runs."""
        return ".".join(self.text.split(".")[:2])


def _version(engine: str, text: str, family: str) -> Version:
    numbers = tuple(int(part) for part in text.split("."))
    return Version((0 if engine == "redis" else 1, *numbers), engine, text, family)


VERSIONS = [
    _version("redis", "5.0.6", "redis5.0"),
    _version("redis", "6.0.5", "redis6.x"),
    _version("redis", "6.2.6", "redis6.x"),
    _version("redis", "7.0.7", "redis7"),
    _version("redis", "7.1.0", "redis7"),
    _version("valkey", "7.2.6", "valkey7"),
    _version("valkey", "8.0.1", "valkey8"),
    _version("valkey", "8.1.0", "valkey8"),
    _version("valkey", "8.2.0", "valkey8"),
    _version("valkey", "9.0.0", "valkey9"),
]
FAMILIES = sorted({version.family for version in VERSIONS})
NEWEST = {version.engine: version for version in VERSIONS}


def find_version(engine: str, wanted: str | None) -> Version:
    """The version that AWS runs for "6.2", "6.2.6", "6.x" or nothing at all (the newest).

    Raises InvalidParameterValue for an unknown engine, InvalidParameterCombination for a version.
    """
    if engine not in NEWEST:
        raise invalid_value(f"Invalid engine: {engine}")
    if wanted is None:
        return NEWEST[engine]
    prefix = wanted.removesuffix(".x").split(".")
    for version in reversed(VERSIONS):
        if version.engine == engine and version.text.split(".")[: len(prefix)] == prefix:
            return version
    raise invalid_combination(f"Cannot find version {wanted} for {engine}")


@dataclass(frozen=True)
class NodeType:
    """`memory` is in bytes, before the reserve."""

    name: str
    memory: int
    cpus: int


# By size: GiB and processors.
_SMALL = {"micro": (0.5, 2), "small": (1.37, 2), "medium": (3.09, 2)}
_LARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_CPUS = (2, 4, 8, 16, 32, 48, 64)
_M_GIB = (6.38, 12.93, 26.04, 52.26, 103.68, 157.12, 209.55)
_R_GIB = (13.07, 26.32, 52.82, 105.81, 209.55, 317.77, 419.09)
_M, _R = (dict(zip(_LARGE, zip(gib, _CPUS, strict=True), strict=True)) for gib in (_M_GIB, _R_GIB))
_SIZES = {
    **dict.fromkeys(("t3", "t4g"), _SMALL),
    **dict.fromkeys(("m5", "m6g", "m7g"), _M),
    **dict.fromkeys(("r5", "r6g", "r7g"), _R),
    "r6gd": {size: figures for size, figures in _R.items() if size not in ("large", "12xlarge")},
}
NODE_TYPES = {
    node.name: node
    for family, sizes in _SIZES.items()
    for size, (gib, cpus) in sizes.items()
    for node in [NodeType(f"cache.{family}.{size}", int(gib * GIB), cpus)]
}


def find_node_type(name: str) -> NodeType:
    """The node type of this name. Raises InvalidParameterValue."""
    if name not in NODE_TYPES:
        raise invalid_value(f"Invalid Cache Node Type: {name}.")
    return NODE_TYPES[name]
