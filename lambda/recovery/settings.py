"""What the template gives to the function, in its environment: names and times, never a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self


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
        return cls(
            group_id=environment["REPLICATION_GROUP_ID"],
            secret_arn=environment["SECRET_ARN"],
            manifest=environment["MANIFEST"],
            security_group_id=environment["SECURITY_GROUP_ID"],
            subnet_group=environment["SUBNET_GROUP"],
            parameter_group=environment["PARAMETER_GROUP"],
            key_id=environment["KEY_ID"],
            engine=environment["ENGINE"],
            engine_version=environment["ENGINE_VERSION"],
            port=int(environment["PORT"]),
            cluster_mode=environment["CLUSTER_MODE"] == "true",
            durable=environment["DURABLE"] == "true",
            topic_arn=environment["TOPIC_ARN"],
            state_machine_arn=environment["STATE_MACHINE_ARN"],
            runbook_url=environment["RUNBOOK_URL"],
            point_objective=_seconds(environment["POINT_OBJECTIVE_SECONDS"]),
            time_objective=_seconds(environment["TIME_OBJECTIVE_SECONDS"]),
            give_up_after=_seconds(environment["GIVE_UP_AFTER_SECONDS"]),
            sweep_after=_seconds(environment["SWEEP_AFTER_SECONDS"]),
        )


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text))
