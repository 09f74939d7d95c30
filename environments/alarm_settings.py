"""When an alarm speaks: what an environment file says under [alarms]."""

from typing import Self

from pydantic import Field, PositiveInt, model_validator

from environments.section import Section, refusal


class Rising(Section):
    """A pair of thresholds for a metric that is bad when it is high."""

    warning: float = Field(gt=0)
    critical: float = Field(gt=0)

    @model_validator(mode="after")
    def _warning_comes_first(self) -> Self:
        if self.warning >= self.critical:
            raise refusal(
                f"warning {self.warning:g} is not below critical {self.critical:g}",
                "A warning that comes with or after the critical alarm warns nobody",
                "Write a lower warning",
            )
        return self


class RisingPercent(Rising):
    """Thresholds of a share: more than 100 % can never be reached, so the alarm would be dead."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.critical >= 100:
            raise refusal(
                f"critical {self.critical:g} is not below 100 %",
                "The metric never exceeds 100 %: the alarm would stay silent for ever",
                "Write a figure below 100",
            )
        return self


class HitRate(Section):
    """The share of reads that found their key, judged only when there is enough traffic."""

    warning_percent: float = Field(gt=0, lt=100)
    minimum_reads_per_minute: PositiveInt


class Alarms(Section):
    """Thresholds. Percent, counts, milliseconds and mebibytes as each name says."""

    memory_percent: RisingPercent
    cpu_percent: RisingPercent
    connections: Rising
    hit_rate: HitRate
    replication_lag_ms: Rising
    evictions_per_minute: PositiveInt
    refused_logins_per_minute: PositiveInt
    swap_mib: PositiveInt
    cpu_credit_balance: PositiveInt | None = None
