"""When an alarm fires: what an environment file says under [alarms]."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from environments.section import Refusal, Section, at_least, at_most

_PERCENT = at_least(1, "Percent are meant, not a fraction, and below 1 the alarm would never clear")


class Rising(Section):
    """A pair of thresholds for a metric that is bad when it is high."""

    warning: float = Field(gt=0)
    critical: float = Field(gt=0)

    @model_validator(mode="after")
    def _warning_comes_first(self) -> Self:
        if self.warning >= self.critical:
            raise Refusal(
                f"warning {self.warning:g} is not below critical {self.critical:g}. A warning must "
                "fire before the critical alarm. Write a lower warning."
            )
        return self


class RisingPercent(Rising):
    """Thresholds of a share: above 100 % an alarm would never fire."""

    warning: Annotated[float, Field(gt=0), _PERCENT]
    critical: Annotated[float, Field(gt=0), _PERCENT]

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.critical >= 100:
            raise Refusal(
                f"critical {self.critical:g} is not below 100 %. The metric never exceeds 100 %: "
                "the alarm would never fire. Write a figure below 100."
            )
        return self


class RisingCount(Rising):
    """Thresholds of a count, of which some are always there."""

    warning: Annotated[
        float, at_least(10, "Our own functions hold some, so the alarm would never end")
    ]


class RisingLag(Rising):
    """Thresholds of a replica's lag, which the engine limits to 60 s."""

    # repl-timeout's default, 60 s: then the primary lets go of the replica, and no lag is measured.
    warning: Annotated[
        float,
        Field(gt=0),
        at_least(10, "Milliseconds are meant, and no replica is nearer to its primary than that"),
    ]
    critical: Annotated[
        float,
        Field(gt=0),
        at_most(
            60_000,
            "A replica that is silent for 60 s (repl-timeout) is disconnected and reports no lag: "
            "the alarm would never fire",
        ),
    ]


class HitRate(Section):
    """The share of reads that found their key, judged only when there is enough traffic."""

    warning_percent: Annotated[float, Field(gt=0, lt=100), _PERCENT]
    # Of so many reads the share is known to a tenth of a percent: more adds silence, no certainty.
    minimum_reads_per_minute: Annotated[
        PositiveInt,
        at_most(
            100_000, "With fewer reads the alarm never fires, and there are not always so many"
        ),
    ]


class Alarms(Section):
    """Thresholds. Percent, counts, milliseconds and mebibytes as each name says."""

    memory_percent: RisingPercent
    cpu_percent: RisingPercent
    connections: RisingCount
    hit_rate: HitRate
    replication_lag_ms: RisingLag
    # A thousand a second: each is somebody's limit forgotten.
    evictions_per_minute: Annotated[
        PositiveInt,
        at_most(
            60_000, "So many evictions are an outage of the limits: the alarm would never fire"
        ),
    ]
    # A hundred a second: about the TLS logins that a small node can answer at all.
    refused_logins_per_minute: Annotated[
        PositiveInt,
        at_most(6_000, "A node hardly answers so many logins: the alarm would never fire"),
    ]
    # Ten times what ElastiCache's user guide ("Which metrics should I monitor?") called the most.
    swap_mib: Annotated[
        PositiveInt,
        at_most(500, "Redis waits for the disk long before, and a small node has no more memory"),
    ]
    cpu_credit_balance: PositiveInt | None = None
