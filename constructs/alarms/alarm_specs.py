"""Which alarms there are, and what each says to the person on call (§3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from constructs.alarms.metrics import (
    Figure,
    PublishedFigure,
    ServiceFigure,
    highest,
    hit_rate,
    lowest,
    samples_of_all,
    total,
)
from environments.alarm_settings import Rising
from environments.schema import Settings

FEW_VCPUS = 2

MissingData = Literal["missing", "notBreaching", "breaching"]


class Severity(StrEnum):
    """Warnings are read in Slack; critical alarms wake the engineer on call as well (§3.3)."""

    WARNING = "warning"
    CRITICAL = "critical"


class Panel(StrEnum):
    """The graph of the dashboard on which an alarm's threshold is drawn (§3.2)."""

    MEMORY = "Memory"
    CPU = "CPU"
    NETWORK = "Network bandwidth"
    CONNECTIONS = "Connections"
    HITS = "Hits and misses"
    LAG = "Replication lag"
    EVICTIONS = "Evictions"
    CREDITS = "CPU credits"
    LOGINS = "Refused logins"
    SWAP = "Swap"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """One alarm on one figure: ``threshold`` in the metric's own unit, ``period`` in seconds.

    It speaks when ``periods`` in a row are beyond the threshold, or as many of the last ``among``
    where that is given. ``runbook`` is its section.
    """

    name: str
    severity: Severity
    figure: Figure | PublishedFigure | ServiceFigure
    beyond: Literal["above", "below"]
    threshold: float
    period: int = 60
    periods: int = 3
    among: int | None = None
    missing: MissingData
    panel: Panel | None
    drawn: bool = True
    means: str
    first: str
    runbook: str


def alarm_specs(settings: Settings) -> Iterator[AlarmSpec]:
    """Every alarm of an environment, the plan's first."""
    yield from _memory(settings)
    yield from _cpu(settings)
    yield from _connections(settings)
    yield from _hits(settings)
    if settings.redis.replicas:
        yield from _lag(settings)
    yield _reporting()
    yield from _beyond_the_plan(settings)


def _levels(limits: Rising) -> tuple[tuple[Severity, float], ...]:
    return (Severity.WARNING, limits.warning), (Severity.CRITICAL, limits.critical)


def _memory(settings: Settings) -> Iterator[AlarmSpec]:
    limits = settings.alarms.memory_percent
    first = {
        Severity.WARNING: "Look at the memory trend: how many days are left?",
        Severity.CRITICAL: "Scale to the next node type now, it stays online.",
    }
    for severity, threshold in _levels(limits):
        yield AlarmSpec(
            name="memory",
            severity=severity,
            figure=highest("DatabaseMemoryUsagePercentage"),
            beyond="above",
            threshold=threshold,
            missing="missing",
            panel=Panel.MEMORY,
            means=f"A node uses more than {threshold:g} % of its memory. At 100 % Redis evicts "
            "counters and limits are forgotten.",
            first=first[severity],
            runbook="memory",
        )


def _cpu(settings: Settings) -> Iterator[AlarmSpec]:
    limits, node = settings.alarms.cpu_percent, settings.redis.node_type
    for severity, threshold in _levels(limits):
        yield AlarmSpec(
            name="engine-cpu",
            severity=severity,
            figure=highest("EngineCPUUtilization", "Average"),
            beyond="above",
            threshold=threshold,
            periods=5,
            missing="missing",
            panel=Panel.CPU,
            means=f"The engine's one thread is busier than {threshold:g} % on a node. "
            "Decisions queue behind each other and slow down.",
            first="Look for a slow command in the slow log, then for a rise in traffic.",
            runbook="engine-cpu",
        )
    if node.vcpus <= FEW_VCPUS:
        # On few vCPUs other work can starve the engine's thread (ElastiCache user guide,
        # "Which metrics should I monitor": alarm at 90 % divided by the number of cores).
        threshold = 90 / node.vcpus
        yield AlarmSpec(
            name="host-cpu",
            severity=Severity.WARNING,
            figure=highest("CPUUtilization", "Average"),
            beyond="above",
            threshold=threshold,
            periods=5,
            missing="missing",
            panel=Panel.CPU,
            means=f"A host of {node.vcpus} vCPUs is busier than {threshold:g} %: the engine, its "
            "network threads and a backup compete for them.",
            first="Check whether a backup runs; if not, compare with the engine's own CPU.",
            runbook="host-cpu",
        )
    if settings.alarms.cpu_credit_balance and node.cpu_credits:
        yield AlarmSpec(
            name="cpu-credits",
            severity=Severity.WARNING,
            figure=lowest("CPUCreditBalance"),
            beyond="below",
            threshold=settings.alarms.cpu_credit_balance,
            period=300,
            periods=2,
            missing="missing",
            panel=Panel.CREDITS,
            means=f"A node has fewer than {settings.alarms.cpu_credit_balance} CPU credits left. "
            f"At none it falls to {node.cpu_credits.baseline_percent} % of each vCPU.",
            first="See how fast they fall; if traffic stays, scale to an m or r type.",
            runbook="cpu-credits",
        )


def _connections(settings: Settings) -> Iterator[AlarmSpec]:
    limits, budget = settings.alarms.connections, settings.application.connections
    for severity, threshold in _levels(limits):
        yield AlarmSpec(
            name="connections",
            severity=severity,
            figure=highest("CurrConnections"),
            beyond="above",
            threshold=threshold,
            missing="missing",
            panel=Panel.CONNECTIONS,
            means=f"A node holds more than {threshold:g} connections; all instances together are "
            f"budgeted {budget}. Somebody leaks them, or there are more instances than planned.",
            first="Count the application's instances, then connections a client address.",
            runbook="connections",
        )


def _hits(settings: Settings) -> Iterator[AlarmSpec]:
    limit = settings.alarms.hit_rate
    yield AlarmSpec(
        name="hit-rate",
        severity=Severity.WARNING,
        figure=hit_rate(limit.minimum_reads_per_minute),
        beyond="below",
        threshold=limit.warning_percent,
        periods=5,
        missing="notBreaching",
        panel=Panel.HITS,
        drawn=False,  # percent, on a graph of counts
        means=f"Fewer than {limit.warning_percent:g} % of reads find their key: keys were evicted "
        "or lost, or much of the traffic comes from new users and addresses.",
        first="Look for evictions, a failover or a restart in the last hour.",
        runbook="hit-rate",
    )


def _lag(settings: Settings) -> Iterator[AlarmSpec]:
    limits = settings.alarms.replication_lag_ms
    for severity, milliseconds in _levels(limits):
        yield AlarmSpec(
            name="replication-lag",
            severity=severity,
            figure=highest("ReplicationLag"),
            beyond="above",
            threshold=milliseconds / 1000,
            missing="notBreaching",
            panel=Panel.LAG,
            means=f"A replica is more than {milliseconds:g} ms behind. A failover now would "
            "forget what was counted in that time.",
            first="Look at the primary's CPU and network, and at large writes.",
            runbook="replication-lag",
        )


def _reporting() -> AlarmSpec:
    return AlarmSpec(
        name="not-reporting",
        severity=Severity.CRITICAL,
        figure=samples_of_all("EngineCPUUtilization"),
        beyond="below",
        threshold=1,
        periods=10,
        missing="breaching",
        panel=None,
        means="A node has sent no metrics for ten minutes: it is gone, or every other alarm on it "
        "is blind.",
        first="Look at the group's status and events in the ElastiCache console.",
        runbook="not-reporting",
    )


def _beyond_the_plan(settings: Settings) -> Iterator[AlarmSpec]:
    limits = settings.alarms
    yield AlarmSpec(
        name="evictions",
        severity=Severity.WARNING,
        figure=total("Evictions"),
        beyond="above",
        threshold=limits.evictions_per_minute - 1,
        missing="notBreaching",
        panel=Panel.EVICTIONS,
        means=f"Redis evicts {limits.evictions_per_minute} or more keys a minute to make room: "
        "each is a limit forgotten.",
        first="Treat it as memory critical: scale up, then look for what fills it.",
        runbook="evictions",
    )
    yield AlarmSpec(
        name="refused-logins",
        severity=Severity.WARNING,
        figure=total("AuthenticationFailures"),
        beyond="above",
        threshold=limits.refused_logins_per_minute - 1,
        missing="notBreaching",
        panel=Panel.LOGINS,
        means=f"{limits.refused_logins_per_minute} or more logins a minute were refused: a client "
        "has an old token, or somebody guesses.",
        first="Look for a rotation in the last hour; if there was none, find the address.",
        runbook="refused-logins",
    )
    yield AlarmSpec(
        name="network-allowance",
        severity=Severity.WARNING,
        figure=total("NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"),
        beyond="above",
        threshold=0,
        missing="notBreaching",
        panel=Panel.NETWORK,
        drawn=False,  # packets, on a graph of bytes
        means="A node drops or delays packets: it reached the bandwidth of its type.",
        first="Compare bytes in and out with yesterday's; scale up if it is real traffic.",
        runbook="network-allowance",
    )
    yield AlarmSpec(
        name="swap",
        severity=Severity.WARNING,
        figure=highest("SwapUsage"),
        beyond="above",
        threshold=limits.swap_mib * 1024 * 1024,
        periods=5,
        missing="notBreaching",
        panel=Panel.SWAP,
        means=f"A node swaps more than {limits.swap_mib} MiB: Redis waits for a disk.",
        first="Raise reserved-memory-percent or scale up.",
        runbook="swap",
    )
