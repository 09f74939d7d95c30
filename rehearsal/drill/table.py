"""How each alarm of production is driven, in the plan's figures: nothing is read from the alarms.

An alarm that is deployed and has no line here fails the drill, and so does a line without an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from rehearsal.alarms.evaluation import State
from rehearsal.drill.loads import Connections, Keys, Loading, MissingKeys, WrongLogins

Values = Mapping[str, float]  # by metric, as one node publishes them


@dataclass(frozen=True)
class Real:
    """A load that sets the alarm off, in words too; `also` names alarms that may speak with it."""

    words: str
    load: Loading
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One alarm: `name` is the end of its name.

    Each of `beyond` must make it speak when one node alone publishes it, each of `within` must
    not; both are as near to the plan's threshold as the metric allows. `silent` is the state that
    it settles in while no node publishes. `real` is there where one machine can do it in seconds.
    """

    name: str
    beyond: tuple[Values, ...] = ()
    within: tuple[Values, ...] = ()
    silent: State
    real: Real | None = None
    own: bool = False  # published by or for a function of ours, not by a node

    @property
    def critical(self) -> bool:
        """Whether it wakes the engineer on call."""
        return self.name.endswith("-critical")

    @property
    def services(self) -> tuple[str, ...]:
        """Where its messages must arrive, and nowhere else (§3.3)."""
        return ("slack", "pagerduty") if self.critical else ("slack",)


def _drive(
    name: str,
    metric: str,
    within: float,
    beyond: float,
    silent: State,
    real: Real | None = None,
) -> Drive:
    return Drive(
        name=name, within=({metric: within},), beyond=({metric: beyond},), silent=silent, real=real
    )


def _own(name: str, metric: str, within: float, beyond: float, silent: State) -> Drive:
    return replace(_drive(name, metric, within, beyond, silent), own=True)


_MEMORY = "DatabaseMemoryUsagePercentage"
_ENGINE, _HOST = "EngineCPUUtilization", "CPUUtilization"
_IN, _OUT = "NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"
_HITS, _MISSES = "CacheHits", "CacheMisses"
_REPORTER = "vibewell-redis-production-events"
_UNREAD = f"AWS/SQS QueueName={_REPORTER}-unread ApproximateNumberOfMessagesVisible"
_REFUSED = "NumberOfNotificationsFailed"
_PAGES = f"AWS/SNS TopicName=vibewell-redis-production-critical {_REFUSED}"
_WARNINGS = f"AWS/SNS TopicName=vibewell-redis-production-warning {_REFUSED}"
_SWAP = 50 * 1024 * 1024
_UNKNOWN = State.INSUFFICIENT_DATA

# A connection takes 22 KB of a node whose memory is scaled down to 25 MB: 1,000 of them are 96 % of
# it, and 5,000 would not fit.
_FULL = frozenset({"memory-warning", "memory-critical", "evictions-warning"})

DRIVES = (
    _drive(
        "memory-warning",
        _MEMORY,
        75,
        75.1,
        _UNKNOWN,
        Real("keys filled 80 % of the memory", partial(Keys, share=0.8)),
    ),
    _drive(
        "memory-critical",
        _MEMORY,
        90,
        90.1,
        _UNKNOWN,
        Real(
            "keys filled 92 % of the memory",
            partial(Keys, share=0.92),
            also=frozenset({"memory-warning"}),
        ),
    ),
    _drive("engine-cpu-warning", _ENGINE, 70, 70.1, _UNKNOWN),
    _drive("engine-cpu-critical", _ENGINE, 85, 85.1, _UNKNOWN),
    _drive("host-cpu-warning", _HOST, 45, 45.1, _UNKNOWN),
    _drive("cpu-credits-warning", "CPUCreditBalance", 115, 114, _UNKNOWN),
    _drive(
        "connections-warning",
        "CurrConnections",
        1000,
        1001,
        _UNKNOWN,
        Real("1,001 TLS connections", partial(Connections, count=1001), also=_FULL),
    ),
    _drive("connections-critical", "CurrConnections", 5000, 5001, _UNKNOWN),
    Drive(
        name="hit-rate-warning",
        beyond=({_HITS: 79, _MISSES: 21},),
        within=({_HITS: 80, _MISSES: 20}, {_HITS: 0, _MISSES: 99}),
        silent=State.OK,
        real=Real("120 reads a minute of keys that are missing", partial(MissingKeys, reads=120)),
    ),
    _drive("replication-lag-warning", "ReplicationLag", 0.5, 0.501, State.OK),
    _drive("replication-lag-critical", "ReplicationLag", 2, 2.001, State.OK),
    # It is driven by a node that falls silent.
    Drive(name="not-reporting-critical", silent=State.ALARM),
    _drive(
        "evictions-warning",
        "Evictions",
        0,
        1,
        State.OK,
        Real("keys beyond the memory", partial(Keys, share=1.0, more=20), also=_FULL),
    ),
    _drive(
        "refused-logins-warning",
        "AuthenticationFailures",
        9,
        10,
        State.OK,
        Real("10 wrong tokens a minute", partial(WrongLogins, logins=10)),
    ),
    Drive(
        name="network-allowance-warning",
        beyond=({_IN: 1}, {_OUT: 1}),
        within=({_IN: 0, _OUT: 0},),
        silent=State.OK,
    ),
    _drive("swap-warning", "SwapUsage", _SWAP, _SWAP + 1, State.OK),
    _own("rotation-unfinished-warning", "RotationUnfinishedHours", 6, 6.1, State.ALARM),
    _own("old-token-warning", "OldTokenUnretiredHours", 6, 6.1, State.OK),
    _own("token-age-warning", "TokenAgeDays", 100, 100.1, State.OK),
    _own("token-disagreement-critical", "TokenDisagreement", 0, 1, State.OK),
    _own("login-without-password-critical", "LoginWithoutPassword", 0, 1, State.OK),
    _own("serious-event-critical", "SeriousEvents", 0, 1, State.OK),
    _own("event-errors-warning", f"AWS/Lambda FunctionName={_REPORTER} Errors", 0, 1, State.OK),
    _own("events-unread-warning", _UNREAD, 0, 1, State.OK),
    _own("undelivered-pages-warning", _PAGES, 0, 1, State.OK),
    _own("undelivered-warnings-critical", _WARNINGS, 0, 1, State.OK),
    _own("health-failed-warning", "HealthChecksFailed", 0, 1, State.OK),
    _own("health-login-critical", "HealthLoginsFailed", 0, 1, State.OK),
    _own("health-not-run-warning", "HealthCheckRan", 1, 0, State.ALARM),
    _own("snapshot-age-warning", "SnapshotAgeHours", 26, 26.1, State.ALARM),
    _own("recovery-failed-warning", "RecoveryFailed", 0, 1, State.OK),
    _own("recovery-point-warning", "RecoveryPointHours", 24, 24.1, State.OK),
    _own("recovery-time-warning", "RecoveryTimeMinutes", 30, 30.1, State.OK),
    _own("recovery-overdue-warning", "RecoveryAgeDays", 36, 36.1, State.OK),
    _own("recovery-leftovers-warning", "RecoveryLeftovers", 0, 1, State.OK),
    _own("sentinels-warning", "SentinelsAltered", 0, 1, State.ALARM),
    _own("review-metrics-not-run-warning", "ReviewMetricsAgeDays", 8, 8.1, State.ALARM),
    _own("review-capacity-not-run-warning", "ReviewCapacityAgeDays", 32, 32.1, State.ALARM),
    _own("review-configuration-not-run-warning", "ReviewConfigurationAgeDays", 8, 8.1, State.ALARM),
    _own("review-updates-not-run-warning", "ReviewUpdatesAgeDays", 32, 32.1, State.ALARM),
    _own(
        "review-security-updates-not-run-warning",
        "ReviewSecurityUpdatesAgeDays",
        2,
        2.1,
        State.ALARM,
    ),
)
