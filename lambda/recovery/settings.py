"""What the template gives to the function: names and times, never a token. And its own errors."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from shared.errors import StoppedError

INFIX = "-recovery-"
DIGITS = 4  # with them the longest group id that the settings take still fits into 40 characters


@dataclass(frozen=True)
class Run:
    """``execution`` is its name, ``started`` when it began, ``source`` the group under test."""

    source: str
    execution: str
    started: datetime

    @property
    def group_id(self) -> str:
        """The throw-away group: the same for each retry of a step, another for each execution."""
        digest = hashlib.sha256(self.execution.encode()).hexdigest()
        return f"{self.source}{INFIX}{digest[:DIGITS]}"

    @property
    def description(self) -> str:
        """Marks a group as this execution's: tags cannot be read while one is created."""
        return f"{_described(self.source)} {self.execution}"

    def owns(self, group: Mapping[str, Any]) -> bool:
        """Whether a described group is this execution's."""
        return is_throw_away(group, self.source) and group["Description"] == self.description


def is_throw_away(group: Mapping[str, Any], source: str) -> bool:
    """Whether a described group was made by a recovery test of ``source``.

    Both its name and its description say so: the group under test has neither, and no group that
    somebody else made has both by accident.
    """
    name: str = group["ReplicationGroupId"]
    described: str = group.get("Description", "")
    return (
        name != source
        and name.startswith(f"{source}{INFIX}")
        and described.startswith(f"{_described(source)} ")
    )


def _described(source: str) -> str:
    return f"Recovery test of {source}:"


@dataclass(frozen=True)
class Settings:
    """The group whose backups are tested, what a restored one also needs, and the limits."""

    group_id: str
    secret_arn: str
    manifest: str
    security_group_id: str
    subnet_group: str
    parameter_group: str
    key_id: str
    engine: str
    engine_version: str
    port: int
    cluster_mode: bool
    durable: bool
    topic_arn: str
    state_machine_arn: str
    runbook_url: str
    point_objective: timedelta
    time_objective: timedelta
    give_up_after: timedelta
    sweep_after: timedelta

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises KeyError for a variable that the template forgot."""
        given: dict[str, Any] = {
            one.name: environment[one.name.upper()]
            for one in fields(cls)
            if one.type in (str, int, bool) and one.name != "group_id"
        }
        for name in ("point_objective", "time_objective", "give_up_after", "sweep_after"):
            given[name] = timedelta(seconds=int(environment[f"{name.upper()}_SECONDS"]))
        for name in ("cluster_mode", "durable"):
            given[name] = given[name] == "true"
        port, group_id = int(given.pop("port")), environment["REPLICATION_GROUP_ID"]
        return cls(group_id=group_id, port=port, **given)


class NoSnapshotError(StoppedError):
    """There is no automatic snapshot that could be restored."""


class ManifestError(StoppedError):
    """The manifest is not what was deployed."""


class RestoreFailedError(StoppedError):
    """ElastiCache did not make the group."""


class TooLateError(StoppedError):
    """The group was not there in the time that a restore may take."""


class SentinelsError(StoppedError):
    """Sentinels are missing or altered: the backup is not what was written."""


class StillThereError(StoppedError):
    """The group could not be removed in the time that a removal may take."""
