"""Engine, version and parameter-group family as one choice, so that they can never disagree.

Source: ElastiCache user guide, "Supported engines and versions"; CloudFormation registry schema.
"""

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Literal

from environments.section import Refusal


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine version that ElastiCache runs.

    ``version`` is CloudFormation's EngineVersion, ``family`` its CacheParameterGroupFamily.
    """

    engine: Literal["redis", "valkey"]
    version: str
    family: str
    standard_support_ends: date | None = None

    @property
    def name(self) -> str:
        """The choice as an environment file writes it, for example ``redis-6.2``."""
        return f"{self.engine}-{self.version}"

    @property
    def major_minor(self) -> tuple[int, int]:
        """The version as numbers, for comparison: ``6.2`` is (6, 2)."""
        major, minor = self.version.split(".")
        return int(major), int(minor)

    def may_become(self, wanted: "Engine") -> bool:
        """Whether ElastiCache takes a group from this engine to ``wanted`` in place.

        A newer version of the same engine, and any Redis to any Valkey. Of the ways back it has
        one: Valkey 7.2 to Redis 7.1. Source: user guide, "Version management".
        """
        if (self.name, wanted.name) == ("valkey-7.2", "redis-7.1"):
            return True
        if self.engine != wanted.engine:
            return wanted.engine == "valkey"
        return self.major_minor <= wanted.major_minor

    @property
    def has_durability(self) -> bool:
        """Whether the Durability setting exists: from Valkey 9.0."""
        return self.engine == "valkey" and self.major_minor >= (9, 0)


# On top of the node's price, in each year after the end of standard support; billed by itself.
# Source: ElastiCache user guide, "Amazon ElastiCache Extended Support", and its pricing page.
EXTENDED_SUPPORT_PERCENT = (80, 80, 160)

ENGINES = {
    engine.name: engine
    for engine in (
        Engine("redis", "6.2", "redis6.x", standard_support_ends=date(2027, 1, 31)),
        Engine("redis", "7.0", "redis7"),
        Engine("redis", "7.1", "redis7"),
        Engine("valkey", "7.2", "valkey7"),
        Engine("valkey", "8.0", "valkey8"),
        Engine("valkey", "8.1", "valkey8"),
        Engine("valkey", "8.2", "valkey8"),
        Engine("valkey", "9.0", "valkey9"),
        Engine("valkey", "9.1", "valkey9"),
    )
}


def engine(name: object) -> Engine:
    """The engine that an environment file names; ValueError says which exist.

    A number is answered with the name that has it: 6.2 is a version, and no text.
    """
    if isinstance(name, str) and name in ENGINES:
        return ENGINES[name]
    near = get_close_matches(str(name), ENGINES, n=1, cutoff=0.0)[0]
    raise Refusal(
        f"engine {name!r} is not one that ElastiCache runs. Engine and version are one choice of: "
        f"{', '.join(ENGINES)}. Write engine = {near!r}."
    )
