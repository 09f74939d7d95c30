"""What the template asks for, from one variable of the environment: names and figures only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared.variable import document

VARIABLE = "DESIRED"


@dataclass(frozen=True)
class Desired:
    """``group`` and ``node`` are spelt as ElastiCache describes them.

    ``alarms`` says how many there are of each, which is shorter than all their names: a function's
    environment takes 4 KB. ``user`` has the user's id, its user group's and its access string.
    ``topics`` says how many subscribers each ARN has at least.
    """

    group_id: str
    group: Mapping[str, Any]
    node: Mapping[str, Any]
    members: int
    key_id: str
    parameter_group: str
    parameters: Mapping[str, str]
    user: Mapping[str, str]
    alarm_prefix: str
    alarms: Mapping[str, int]
    topics: Mapping[str, int]
    runbook: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises KeyError or TypeError if the template does not fit this code."""
        return cls(**document(environment, VARIABLE))


@dataclass(frozen=True)
class Inside:
    """The input of the function in the VPC."""

    secret_arn: str
    group_id: str
    replicas: int
    cluster_mode: bool
    oldest_token_days: int
    retire_after_hours: int
    late_hours: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises KeyError or TypeError if the template does not fit this code."""
        return cls(**document(environment, VARIABLE))
