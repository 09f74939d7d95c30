"""Engine versions that are newer than the one that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.aws_calls import ask, every


@dataclass(frozen=True)
class Version:
    """``numbers`` order versions of one engine."""

    engine: str
    text: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """6.2.6 as (6, 2, 6); what is no number counts as 0."""
        return tuple(int(part) if part.isdigit() else 0 for part in self.text.split("."))

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{'Redis' if self.engine == 'redis' else self.engine.title()} {self.text}"


@dataclass(frozen=True)
class Newer:
    """A version to go to, and what kind of step that is."""

    version: Version
    step: str


PATCH = "patch: applied by AWS in the maintenance window"
MINOR = "minor version: test in staging, then upgrade in place"
MAJOR = "major version: test in full, then upgrade in place"
ENGINE = "another engine, upgraded to in place; a new parameter group in the same change"


def running(client: Any, group_id: str) -> list[Version]:
    """What each node runs. Raises what ``ask`` raises."""
    answer = ask(
        client.describe_replication_groups,
        "describe the replication group",
        ReplicationGroupId=group_id,
    )
    return [
        Version(node["Engine"], node["EngineVersion"])
        for member in answer["ReplicationGroups"][0].get("MemberClusters", [])
        for node in ask(
            client.describe_cache_clusters, "describe a node of the group", CacheClusterId=member
        )["CacheClusters"]
    ]


def newer(client: Any, current: Version) -> list[Newer]:
    """The newest of each step, nearest first. Raises what ``ask`` raises."""
    engines = dict.fromkeys((current.engine, "valkey"))
    offered = [
        Version(found["Engine"], found["EngineVersion"])
        for engine in engines
        for found in every(
            client.describe_cache_engine_versions,
            "list engine versions",
            "CacheEngineVersions",
            Engine=engine,
        )
    ]
    newest: dict[str, Version] = {}
    for version in sorted(offered, key=lambda one: one.numbers):
        step = _step(current, version)
        if step:
            newest[step] = version
    return [Newer(newest[step], step) for step in (PATCH, MINOR, MAJOR, ENGINE) if step in newest]


def _step(current: Version, other: Version) -> str | None:
    if other.engine != current.engine:
        return ENGINE
    if other.numbers <= current.numbers:
        return None
    for length, step in ((2, PATCH), (1, MINOR)):
        if other.numbers[:length] == current.numbers[:length]:
            return step
    return MAJOR


def words(current: Sequence[Version]) -> str:
    """What runs, in a few words; more than one version means that an upgrade is not finished."""
    return " and ".join(dict.fromkeys(version.name for version in current)) or "no node"
