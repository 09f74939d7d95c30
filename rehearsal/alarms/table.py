"""How each alarm of production is driven: the figures are the settings', never the alarms'.

A deployed alarm without a line here fails the scenario, and so does a line without an alarm.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from redis.exceptions import AuthenticationError

from emulator.cloudwatch.evaluation import State
from environments.schema import Settings
from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import expect_refusal

# Bytes of one key: larger ones take a quarter more memory on a replica than on the primary.
_PIECE = 28_000
# Keys that one command writes: its text is in memory next to them.
_A_CALL = 10
_KEY = "rehearsal:alarms:{}"


Minute = Callable[[], object]  # does what belongs into one CloudWatch minute
Loading = Callable[[Deployed], AbstractContextManager[Minute]]  # leaves the nodes as they were


@contextmanager
def keys(deployed: Deployed, *, share: float, more: int = 0) -> Iterator[Minute]:
    """Fills the primary's memory up to `share` of its maxmemory, and `more` keys every minute."""
    written = 0

    def minute() -> None:
        nonlocal written
        memory = redis.info("memory")
        missing = share * int(memory["maxmemory"]) - int(memory["used_memory"])
        left = max(0, int(missing) // _PIECE) + more
        while left > 0:
            names = [_KEY.format(written + number) for number in range(min(left, _A_CALL))]
            redis.mset(dict.fromkeys(names, "x" * _PIECE))
            written += len(names)
            left -= len(names)

    with deployed.connect() as redis:
        try:
            yield minute
        finally:
            if written:
                redis.delete(*map(_KEY.format, range(written)))


@contextmanager
def missing_keys(deployed: Deployed, *, reads: int) -> Iterator[Minute]:
    """Reads `reads` missing keys per minute."""
    names = [_KEY.format(f"missing:{number}") for number in range(reads)]
    with deployed.connect() as redis:
        yield lambda: redis.mget(names)


@contextmanager
def wrong_logins(deployed: Deployed, *, logins: int) -> Iterator[Minute]:
    """Logs in `logins` times a minute with a wrong token, and is refused that often."""

    def minute() -> None:
        for _ in range(logins):
            with expect_refusal(AuthenticationError, otherwise="a wrong token was accepted"):
                redis.auth(secrets.token_hex(32))

    with deployed.connect() as redis:
        yield minute


@contextmanager
def connections(deployed: Deployed, *, count: int) -> Iterator[Minute]:
    """Holds `count` connections over TLS, logged in."""
    held: list[Any] = []

    def minute() -> None:
        while len(held) < count:
            held.append(redis.connection_pool.get_connection())

    with deployed.connect(password=deployed.token, max_connections=count) as redis:
        try:
            yield minute
        finally:
            for one in held:
                one.disconnect()


Values = Mapping[str, float]  # by metric, as one node publishes them


@dataclass(frozen=True)
class Real:
    """A load that sets the alarm off, in words too; `also` names alarms that may fire with it."""

    words: str
    load: Loading
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One alarm: `name` is the end of its name.

    Each of `beyond` must make it fire when one node alone publishes it, each of `within` must
    not; both are as near to the plan's threshold as the metric allows. `silent` is the state that
    it settles in while no node publishes. `real` is there where one machine can do it in seconds.
    """

    name: str
    beyond: tuple[Values, ...] = ()
    within: tuple[Values, ...] = ()
    silent: State
    real: Real | None = None
    own: bool = False  # published by or for a function of ours, not by a node
    clears: bool = True  # whether OK is notified
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
    name: str, metric: str, within: float, beyond: float, silent: State, real: Real | None = None
) -> Drive:
    return Drive(
        name=name, within=({metric: within},), beyond=({metric: beyond},), silent=silent, real=real
    )


_MEMORY = "DatabaseMemoryUsagePercentage"
_ENGINE, _HOST, _HELD = "EngineCPUUtilization", "CPUUtilization", "CurrConnections"
_IN, _OUT = "NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"
_HITS, _MISSES = "CacheHits", "CacheMisses"
_REPORTER = "vibewell-redis-production-events"
_UNREAD = f"AWS/SQS QueueName={_REPORTER}-unread ApproximateNumberOfMessagesVisible"
_REFUSED = "NumberOfNotificationsFailed"
_PAGES = f"AWS/SNS TopicName=vibewell-redis-production-critical {_REFUSED}"
_WARNINGS = f"AWS/SNS TopicName=vibewell-redis-production-warning {_REFUSED}"
# Days at which each is late; that one alone is enough is shown by the alarm's own test.
_REVIEWS = {
    "Metrics": 8,
    "Capacity": 32,
    "Configuration": 8,
    "Updates": 32,
    "SecurityUpdates": 2,
}
_UNKNOWN = State.INSUFFICIENT_DATA
_FEW_VCPUS = 2  # up to which the host's CPU is alarmed

_MOST_CONNECTIONS = 1001  # that the scenario opens: one machine cannot hold many more

# A connection takes 22 KB of a node whose memory is scaled down to 25 MB: 1,000 of them are 96 % of
# it, and 5,000 would not fit.
_FULL = frozenset({"memory-warning", "memory-critical", "evictions-warning"})
# They notify of something that has happened: there is no end of it.
_NEVER_OK = ("serious-event-critical", "undelivered-warnings-critical")


def _filled(percent: float, *also: str) -> Real:
    share = partial(keys, share=percent / 100)
    return Real(f"keys filled {percent:g} % of the memory", share, frozenset(also))


def drives(settings: Settings) -> tuple[Drive, ...]:
    """Every alarm that an environment deploys."""
    redis, paged = settings.redis, settings.notifications.pagerduty_secret_name is not None
    found = (*_of_nodes(settings), *_of_functions(settings))
    absent = {
        *(() if redis.replicas else ("replication-lag-warning", "replication-lag-critical")),
        *(() if redis.node_type.vcpus <= _FEW_VCPUS else ("host-cpu-warning",)),
        *(() if settings.alarms.cpu_credit_balance else ("cpu-credits-warning",)),
    }
    return tuple(replace(one, paged=paged) for one in found if one.name not in absent)


def _of_nodes(settings: Settings) -> tuple[Drive, ...]:
    alarms, redis = settings.alarms, settings.redis
    memory, cpu, held = alarms.memory_percent, alarms.cpu_percent, alarms.connections
    lag, host = alarms.replication_lag_ms, 90 / redis.node_type.vcpus
    balance, swap = alarms.cpu_credit_balance or 0, alarms.swap_mib * 1024 * 1024
    hits, reads = alarms.hit_rate.warning_percent, alarms.hit_rate.minimum_reads_per_minute
    evicted, logins = alarms.evictions_per_minute, alarms.refused_logins_per_minute
    count, overfilled = int(held.warning) + 1, None
    connected = Real(f"{count:,} TLS connections", partial(connections, count=count), also=_FULL)
    if str(redis.parameters.get("maxmemory-policy", "")).startswith("allkeys"):
        beyond = partial(keys, share=1.0, more=20 * evicted)
        overfilled = Real("keys beyond the memory", beyond, also=_FULL)
    few, many = _filled(memory.warning + 5), _filled(memory.critical + 2, "memory-warning")
    opened = connected if count <= _MOST_CONNECTIONS else None
    slow, slower = ((ms / 1000, (ms + 1) / 1000) for ms in (lag.warning, lag.critical))
    return (
        _drive("memory-warning", _MEMORY, memory.warning, memory.warning + 0.1, _UNKNOWN, few),
        _drive("memory-critical", _MEMORY, memory.critical, memory.critical + 0.1, _UNKNOWN, many),
        _drive("engine-cpu-warning", _ENGINE, cpu.warning, cpu.warning + 0.1, _UNKNOWN),
        _drive("engine-cpu-critical", _ENGINE, cpu.critical, cpu.critical + 0.1, _UNKNOWN),
        _drive("connections-warning", _HELD, held.warning, held.warning + 1, _UNKNOWN, opened),
        _drive("connections-critical", _HELD, held.critical, held.critical + 1, _UNKNOWN),
        _drive("replication-lag-warning", "ReplicationLag", *slow, State.OK),
        _drive("replication-lag-critical", "ReplicationLag", *slower, State.OK),
        _drive("host-cpu-warning", _HOST, host, host + 0.1, _UNKNOWN),
        _drive("cpu-credits-warning", "CPUCreditBalance", balance, balance - 1, _UNKNOWN),
        _drive("evictions-warning", "Evictions", evicted - 1, evicted, State.OK, overfilled),
        _drive("swap-warning", "SwapUsage", swap, swap + 1, State.OK),
        _drive(
            *("refused-logins-warning", "AuthenticationFailures", logins - 1, logins, State.OK),
            Real(f"{logins} wrong tokens a minute", partial(wrong_logins, logins=logins)),
        ),
        Drive(
            name="hit-rate-warning",
            beyond=({_HITS: hits - 1, _MISSES: 101 - hits},),
            within=({_HITS: hits, _MISSES: 100 - hits}, {_HITS: 0, _MISSES: reads - 1}),
            silent=State.OK,
            real=Real(
                f"{reads + 20} reads a minute of keys that are missing",
                partial(missing_keys, reads=reads + 20),
            ),
        ),
        # It is driven by a node that falls silent.
        Drive(name="not-reporting-critical", silent=State.ALARM),
        Drive(
            name="network-allowance-warning",
            beyond=({_IN: 1}, {_OUT: 1}),
            within=({_IN: 0, _OUT: 0},),
            silent=State.OK,
        ),
    )


def _of_functions(settings: Settings) -> tuple[Drive, ...]:
    point, time = settings.recovery.point_objective_hours, settings.recovery.time_objective_minutes
    # A day, the backup's window, and an hour for the backup.
    snapshot = 25 + settings.redis.snapshot_window.minutes / 60
    rows = (
        ("rotation-unfinished-warning", "RotationUnfinishedHours", 6, 6.1, State.ALARM),
        ("old-token-warning", "OldTokenUnretiredHours", 6, 6.1, State.OK),
        ("token-age-warning", "TokenAgeDays", 100, 100.1, State.OK),
        ("token-disagreement-critical", "TokenDisagreement", 0, 1, State.OK),
        ("login-without-password-critical", "LoginWithoutPassword", 0, 1, State.OK),
        ("serious-event-critical", "SeriousEvents", 0, 1, State.OK),
        ("event-errors-warning", f"AWS/Lambda FunctionName={_REPORTER} Errors", 0, 1, State.OK),
        ("events-unread-warning", _UNREAD, 0, 1, State.OK),
        ("undelivered-pages-warning", _PAGES, 0, 1, State.OK),
        ("undelivered-warnings-critical", _WARNINGS, 0, 1, State.OK),
        ("health-failed-warning", "HealthChecksFailed", 0, 1, State.OK),
        ("health-login-critical", "HealthLoginsFailed", 0, 1, State.OK),
        ("health-not-run-warning", "HealthCheckRan", 1, 0, State.ALARM),
        ("snapshot-age-warning", "SnapshotAgeHours", snapshot, snapshot + 0.1, State.ALARM),
        ("recovery-failed-warning", "RecoveryFailed", 0, 1, State.OK),
        ("recovery-point-warning", "RecoveryPointHours", point, point + 0.1, State.OK),
        ("recovery-time-warning", "RecoveryTimeMinutes", time, time + 0.1, State.OK),
        ("recovery-overdue-warning", "RecoveryAgeDays", 36, 36.1, State.OK),
        ("recovery-leftovers-warning", "RecoveryLeftovers", 0, 1, State.OK),
        ("sentinels-warning", "SentinelsAltered", 0, 1, State.ALARM),
    )
    reviews = Drive(
        name="review-not-run-warning",
        within=({f"Review{name}AgeDays": days for name, days in _REVIEWS.items()},),
        beyond=({f"Review{name}AgeDays": days + 0.1 for name, days in _REVIEWS.items()},),
        silent=State.ALARM,
    )
    return tuple(
        replace(one, own=True, clears=one.name not in _NEVER_OK)
        for one in (*(_drive(*row) for row in rows), reviews)
    )
