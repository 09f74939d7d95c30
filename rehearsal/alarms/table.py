"""How each alarm of production is driven: the figures are the settings', never the alarms'.

An alarm that is deployed and has no line here fails the drill, and so does a line without an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from emulator.cloudwatch.evaluation import State
from environments.schema import Settings
from rehearsal.alarms.loads import Connections, Keys, Loading, MissingKeys, WrongLogins

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
    paged: bool = True  # whether there is a PagerDuty to page, for a critical one

    @property
    def critical(self) -> bool:
        """Whether it wakes the engineer on call."""
        return self.name.endswith("-critical")

    @property
    def services(self) -> tuple[str, ...]:
        """Where its messages must arrive, and nowhere else (§3.3)."""
        return ("slack", "pagerduty") if self.critical and self.paged else ("slack",)


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
_UNKNOWN = State.INSUFFICIENT_DATA
_FEW_VCPUS = 2  # up to which the host's CPU is alarmed

_MOST_CONNECTIONS = 1001  # that the drill opens: one machine cannot hold many more

# A connection takes 22 KB of a node whose memory is scaled down to 25 MB: 1,000 of them are 96 % of
# it, and 5,000 would not fit.
_FULL = frozenset({"memory-warning", "memory-critical", "evictions-warning"})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the alarms of a deployment follow from; pairs are a warning and a critical threshold.

    Percent, connections, CPU credits, seconds of lag, bytes of swap, hours and minutes of recovery.
    These are the plan's.
    """

    memory: tuple[float, float] = (75, 90)
    cpu: tuple[float, float] = (70, 85)
    host: float = 45  # 0: no alarm
    credits: float = 115  # 0: no alarm
    connections: tuple[float, float] = (1000, 5000)
    hits: float = 80
    reads: int = 100
    lag: tuple[float, float] = (0.5, 2)
    evictions: int = 1
    evicts: bool = True
    logins: int = 10
    swap: int = 50 * 1024 * 1024
    snapshot: float = 26  # a day, the backup's window, and an hour for the backup
    point: float = 24
    time: float = 30
    replicas: int = 2
    paged: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of an environment."""
        alarms, redis, recovery = settings.alarms, settings.redis, settings.recovery
        vcpus = redis.node_type.vcpus
        return cls(
            memory=(alarms.memory_percent.warning, alarms.memory_percent.critical),
            cpu=(alarms.cpu_percent.warning, alarms.cpu_percent.critical),
            host=90 / vcpus if vcpus <= _FEW_VCPUS else 0,
            credits=alarms.cpu_credit_balance or 0,
            connections=(alarms.connections.warning, alarms.connections.critical),
            hits=alarms.hit_rate.warning_percent,
            reads=alarms.hit_rate.minimum_reads_per_minute,
            lag=(
                alarms.replication_lag_ms.warning / 1000,
                alarms.replication_lag_ms.critical / 1000,
            ),
            evictions=alarms.evictions_per_minute,
            evicts=str(redis.parameters.get("maxmemory-policy", "")).startswith("allkeys"),
            logins=alarms.refused_logins_per_minute,
            swap=alarms.swap_mib * 1024 * 1024,
            snapshot=25 + redis.snapshot_window.minutes / 60,
            point=recovery.point_objective_hours,
            time=recovery.time_objective_minutes,
            replicas=redis.replicas,
            paged=settings.notifications.pagerduty_secret_name is not None,
        )


def _filled(percent: float, *also: str) -> Real:
    share = partial(Keys, share=percent / 100)
    return Real(f"keys filled {percent:g} % of the memory", share, frozenset(also))


def _connected(count: int) -> Real | None:
    if count > _MOST_CONNECTIONS:
        return None
    return Real(f"{count:,} TLS connections", partial(Connections, count=count), also=_FULL)


def _overfilled(figures: Figures) -> Real | None:
    if not figures.evicts:
        return None
    more = 20 * figures.evictions
    return Real("keys beyond the memory", partial(Keys, share=1.0, more=more), also=_FULL)


def drives(figures: Figures) -> tuple[Drive, ...]:
    """Every alarm that settings with these figures deploy."""
    found = _drives(figures)
    absent = {
        *(() if figures.replicas else ("replication-lag-warning", "replication-lag-critical")),
        *(() if figures.host else ("host-cpu-warning",)),
        *(() if figures.credits else ("cpu-credits-warning",)),
    }
    return tuple(replace(one, paged=figures.paged) for one in found if one.name not in absent)


def _drives(f: Figures) -> tuple[Drive, ...]:
    return (
        _drive(
            "memory-warning",
            _MEMORY,
            f.memory[0],
            f.memory[0] + 0.1,
            _UNKNOWN,
            _filled(f.memory[0] + 5),
        ),
        _drive(
            "memory-critical",
            _MEMORY,
            f.memory[1],
            f.memory[1] + 0.1,
            _UNKNOWN,
            _filled(f.memory[1] + 2, "memory-warning"),
        ),
        _drive("engine-cpu-warning", _ENGINE, f.cpu[0], f.cpu[0] + 0.1, _UNKNOWN),
        _drive("engine-cpu-critical", _ENGINE, f.cpu[1], f.cpu[1] + 0.1, _UNKNOWN),
        _drive("host-cpu-warning", _HOST, f.host, f.host + 0.1, _UNKNOWN),
        _drive("cpu-credits-warning", "CPUCreditBalance", f.credits, f.credits - 1, _UNKNOWN),
        _drive(
            "connections-warning",
            "CurrConnections",
            f.connections[0],
            f.connections[0] + 1,
            _UNKNOWN,
            _connected(int(f.connections[0]) + 1),
        ),
        _drive(
            "connections-critical",
            "CurrConnections",
            f.connections[1],
            f.connections[1] + 1,
            _UNKNOWN,
        ),
        Drive(
            name="hit-rate-warning",
            beyond=({_HITS: f.hits - 1, _MISSES: 101 - f.hits},),
            within=({_HITS: f.hits, _MISSES: 100 - f.hits}, {_HITS: 0, _MISSES: f.reads - 1}),
            silent=State.OK,
            real=Real(
                f"{f.reads + 20} reads a minute of keys that are missing",
                partial(MissingKeys, reads=f.reads + 20),
            ),
        ),
        _drive("replication-lag-warning", "ReplicationLag", f.lag[0], f.lag[0] + 0.001, State.OK),
        _drive("replication-lag-critical", "ReplicationLag", f.lag[1], f.lag[1] + 0.001, State.OK),
        # It is driven by a node that falls silent.
        Drive(name="not-reporting-critical", silent=State.ALARM),
        _drive(
            "evictions-warning",
            "Evictions",
            f.evictions - 1,
            f.evictions,
            State.OK,
            _overfilled(f),
        ),
        _drive(
            "refused-logins-warning",
            "AuthenticationFailures",
            f.logins - 1,
            f.logins,
            State.OK,
            Real(f"{f.logins} wrong tokens a minute", partial(WrongLogins, logins=f.logins)),
        ),
        Drive(
            name="network-allowance-warning",
            beyond=({_IN: 1}, {_OUT: 1}),
            within=({_IN: 0, _OUT: 0},),
            silent=State.OK,
        ),
        _drive("swap-warning", "SwapUsage", f.swap, f.swap + 1, State.OK),
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
        _own("snapshot-age-warning", "SnapshotAgeHours", f.snapshot, f.snapshot + 0.1, State.ALARM),
        _own("recovery-failed-warning", "RecoveryFailed", 0, 1, State.OK),
        _own("recovery-point-warning", "RecoveryPointHours", f.point, f.point + 0.1, State.OK),
        _own("recovery-time-warning", "RecoveryTimeMinutes", f.time, f.time + 0.1, State.OK),
        _own("recovery-overdue-warning", "RecoveryAgeDays", 36, 36.1, State.OK),
        _own("recovery-leftovers-warning", "RecoveryLeftovers", 0, 1, State.OK),
        _own("sentinels-warning", "SentinelsAltered", 0, 1, State.ALARM),
        _own("review-metrics-not-run-warning", "ReviewMetricsAgeDays", 8, 8.1, State.ALARM),
        _own("review-capacity-not-run-warning", "ReviewCapacityAgeDays", 32, 32.1, State.ALARM),
        _own(
            "review-configuration-not-run-warning",
            "ReviewConfigurationAgeDays",
            8,
            8.1,
            State.ALARM,
        ),
        _own("review-updates-not-run-warning", "ReviewUpdatesAgeDays", 32, 32.1, State.ALARM),
        _own(
            "review-security-updates-not-run-warning",
            "ReviewSecurityUpdatesAgeDays",
            2,
            2.1,
            State.ALARM,
        ),
    )


# The plan's.
DRIVES = drives(Figures())
