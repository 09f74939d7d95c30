"""Which alarms there are, and what each says to the person on call (§3.1)."""

import math
from collections.abc import Iterator
from functools import partial

from constructs.alarms.metrics import (
    TEST_MARK,
    AlarmSpec,
    Panel,
    Severity,
    highest,
    hit_rate,
    lowest,
    published,
    ratios,
    samples_of_all,
    service,
    total,
    undelivered_test,
)
from constructs.reviews.review_kinds import REVIEWS
from environments.alarm_settings import Rising
from environments.schema import Settings

FEW_VCPUS = 2
UNFINISHED_HOURS = 6
OLDEST_TOKEN_DAYS = 100  # the longest quarter is 92 days
OLDEST_TEST_DAYS = 36  # first Mondays are 28 or 35 days apart
BACKUP_HOURS = 1  # that a backup itself may take; a full node of the largest types needs more
DAY_HOURS = 24
MINUTES_AN_HOUR = 60


def every_alarm(settings: Settings) -> list[AlarmSpec]:
    """All of an environment: the monitoring stack makes them, the health check counts them."""
    return [
        *_memory(settings),
        *_cpu(settings),
        *_connections(settings),
        *_hits(settings),
        *(_lag(settings) if settings.redis.replicas else ()),
        *_nodes(settings),
        *_rotation(settings),
        *_health(settings),
        *_recovery(settings),
        *_events(settings.prefix),
        *_undelivered(settings.prefix),
        *_reviews(),
        *(_test(settings) if settings.notifications.test_monthly else ()),
    ]


def _log(settings: Settings, function: str) -> str:
    return f"aws logs tail /aws/lambda/{settings.prefix}-{function} --since 1h."


def _levels(limits: Rising) -> tuple[tuple[Severity, float], ...]:
    return (Severity.WARNING, limits.warning), (Severity.CRITICAL, limits.critical)


def _memory(settings: Settings) -> Iterator[AlarmSpec]:
    first = {
        Severity.WARNING: "Look at the memory trend: how many days are left?",
        Severity.CRITICAL: "Find what grows, by the command below. One writer grew at once: "
        "stop it. Otherwise scale: writes are refused for some seconds.",
    }
    for severity, threshold in _levels(settings.alarms.memory_percent):
        yield AlarmSpec(
            name="memory",
            severity=severity,
            figure=highest("DatabaseMemoryUsagePercentage"),
            threshold=threshold,
            treat_missing_data="missing",
            panel=Panel.MEMORY,
            means=f"A node uses more than {threshold:g} % of its memory. At 100 % Redis evicts "
            "counters, and users are admitted above their limit.",
            first=first[severity],
        )


def _cpu(settings: Settings) -> Iterator[AlarmSpec]:
    node, credit = settings.redis.node_type, settings.alarms.cpu_credit_balance
    cpu = partial(AlarmSpec, datapoints_to_alarm=5, treat_missing_data="missing", panel=Panel.CPU)
    for severity, threshold in _levels(settings.alarms.cpu_percent):
        yield cpu(
            name="engine-cpu",
            severity=severity,
            figure=highest("EngineCPUUtilization", "Average"),
            threshold=threshold,
            means=f"The engine's one thread is busier than {threshold:g} % on a node. "
            "Decisions wait for each other and slow down.",
            first="Look for a slow command in the slow log, then for a rise in traffic.",
        )
    if node.vcpus <= FEW_VCPUS:
        # On few vCPUs other work can starve the engine's thread (ElastiCache user guide,
        # "Which metrics should I monitor": alarm at 90 % divided by the number of cores).
        threshold = 90 / node.vcpus
        yield cpu(
            name="host-cpu",
            figure=highest("CPUUtilization", "Average"),
            threshold=threshold,
            means=f"A host of {node.vcpus} vCPUs is busier than {threshold:g} %: the engine, its "
            "network threads and a backup compete for them.",
            first="Check whether a backup runs; if not, compare with the engine's own CPU.",
        )
    if credit and node.cpu_credits:
        hours = math.ceil(credit / node.cpu_credits.per_hour)
        yield AlarmSpec(
            name="cpu-credits",
            figure=lowest("CPUCreditBalance"),
            comparison="below",
            threshold=credit,
            period=300,
            datapoints_to_alarm=2,
            treat_missing_data="missing",
            panel=Panel.CREDITS,
            means=f"A node has fewer than {credit} CPU credits left. "
            f"Without credits it runs at {node.cpu_credits.baseline_percent} % of each vCPU.",
            first="A rising balance: wait. Otherwise scale to an m or r type.",
            when_new=f"A new node starts with none: it fires for {hours} hours after a deployment "
            "that creates nodes, or after AWS replaced one.",
        )


def _connections(settings: Settings) -> Iterator[AlarmSpec]:
    budget = settings.application.connections
    for severity, threshold in _levels(settings.alarms.connections):
        yield AlarmSpec(
            name="connections",
            severity=severity,
            figure=highest("CurrConnections"),
            threshold=threshold,
            treat_missing_data="missing",
            panel=Panel.CONNECTIONS,
            means=f"A node has more than {threshold:g} connections; the budget of all instances is "
            f"{budget}. A client leaks them, or there are more instances than planned.",
            first="Count the application's instances, then connections per client address.",
        )


def _hits(settings: Settings) -> Iterator[AlarmSpec]:
    limit = settings.alarms.hit_rate
    yield AlarmSpec(
        name="hit-rate",
        figure=hit_rate(limit.minimum_reads_per_minute),
        comparison="below",
        threshold=limit.warning_percent,
        datapoints_to_alarm=5,
        panel=Panel.HITS,
        drawn=False,  # percent, on a graph of counts
        means=f"Fewer than {limit.warning_percent:g} % of reads find their key: keys were evicted "
        "or lost, or much of the traffic comes from new users and addresses.",
        first="Look for evictions, a failover or a restart in the last hour.",
    )


def _lag(settings: Settings) -> Iterator[AlarmSpec]:
    for severity, milliseconds in _levels(settings.alarms.replication_lag_ms):
        yield AlarmSpec(
            name="replication-lag",
            severity=severity,
            figure=highest("ReplicationLag"),
            threshold=milliseconds / 1000,
            panel=Panel.LAG,
            means=f"A replica is more than {milliseconds:g} ms behind. A failover now would "
            "lose what was counted in that time.",
            first="Look at the primary's CPU and network, and at large writes. Neither fail over "
            "nor scale before the replica has caught up, unless bandwidth is the cause.",
        )


def _nodes(settings: Settings) -> Iterator[AlarmSpec]:
    """Whether nodes report at all, then what the plan does not name."""
    limits = settings.alarms
    yield AlarmSpec(
        name="not-reporting",
        severity=Severity.CRITICAL,
        figure=samples_of_all("EngineCPUUtilization"),
        comparison="below",
        threshold=1,
        datapoints_to_alarm=10,
        treat_missing_data="breaching",
        means="A node has sent no metrics for ten minutes: it is gone, or its name changed. No "
        "other alarm has data of it.",
        first="Look at the group's status and events in the ElastiCache console.",
    )
    yield AlarmSpec(
        name="evictions",
        figure=total("Evictions"),
        threshold=limits.evictions_per_minute - 1,
        panel=Panel.EVICTIONS,
        means=f"Redis evicts {limits.evictions_per_minute} or more keys per minute. Each was "
        "a counter: a limit is forgotten.",
        first="Treat it as memory critical: find what fills it; stop that writer, or scale up.",
    )
    yield AlarmSpec(
        name="refused-logins",
        figure=total("AuthenticationFailures"),
        threshold=limits.refused_logins_per_minute - 1,
        panel=Panel.LOGINS,
        means=f"{limits.refused_logins_per_minute} or more logins per minute were refused: a "
        "client has an old token, or somebody guesses.",
        first="Restart nothing yet. Does make health fail at a login? Then see token-disagreement. "
        "If not, restart only the instance whose own log shows refused logins.",
    )
    yield AlarmSpec(
        name="network-allowance",
        figure=total("NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"),
        panel=Panel.NETWORK,
        drawn=False,  # packets, on a graph of bytes
        means="A node drops or delays packets: it reached the bandwidth of its type.",
        first="After a failover a replica copies everything: wait. Otherwise compare with "
        "yesterday's bytes, and scale up if it is real traffic.",
    )
    yield AlarmSpec(
        name="swap",
        figure=highest("SwapUsage"),
        threshold=limits.swap_mib * 1024 * 1024,
        datapoints_to_alarm=5,
        panel=Panel.SWAP,
        means=f"A node swaps more than {limits.swap_mib} MiB: Redis waits for a disk.",
        first="A backup or a copy to a replica runs: it ends with that. Otherwise scale up. A "
        "higher reserved-memory-percent leaves less room for keys.",
    )


def _rotation(settings: Settings) -> Iterator[AlarmSpec]:
    """On what the rotation's passes publish, never on errors of a step (§2.3, 7.3).

    A step that is not ready raises by design, so an error says nothing; an age, or a login, does.
    """
    # At least one run of the schedule in each period.
    spec = partial(AlarmSpec, period=900, datapoints_to_alarm=2)
    log = f"{_log(settings, 'rotation')} Its last lines say what it waits for."
    yield spec(
        name="rotation-unfinished",
        figure=published("RotationUnfinishedHours"),
        threshold=UNFINISHED_HOURS,
        treat_missing_data="breaching",  # nothing else shows that the function no longer runs
        means=f"A rotation or a repair of the passwords has been unfinished for over "
        f"{UNFINISHED_HOURS} hours, or the function that does both publishes nothing.",
        first=log,
    )
    yield spec(
        name="old-token",
        figure=published("OldTokenUnretiredHours"),
        threshold=UNFINISHED_HOURS,
        means=f"The token before the present one still opens Redis {UNFINISHED_HOURS} hours after "
        f"it was due to be retired ({settings.rotation.retire_after_hours} hours after a "
        "rotation).",
        first=log,
    )
    if settings.redis.rotates:
        yield spec(
            name="token-age",
            figure=published("TokenAgeDays"),
            threshold=OLDEST_TOKEN_DAYS,
            means=f"The token is older than {OLDEST_TOKEN_DAYS} days: the quarterly rotation did "
            "not happen.",
            first="Look at the secret: is rotation enabled, and when is the next one?",
        )
    yield spec(
        name="token-disagreement",
        severity=Severity.CRITICAL,
        figure=published("TokenDisagreement"),
        # Missing: it is not published while no node answers.
        means="Redis refuses the token that Secrets Manager gives to clients: new logins fail. "
        "Each run of the rotation's schedule tries to fix it.",
        first=f"Restart no application: open connections still work. {log}",
    )
    yield spec(
        name="login-without-password",
        severity=Severity.CRITICAL,
        figure=published("LoginWithoutPassword"),
        # Missing: it is not published while no node answers.
        datapoints_to_alarm=1,
        means="Redis serves clients that send no token: anybody who reaches its port reads and "
        "writes every key.",
        first="CloudTrail says who sent ModifyUser. The next run of the rotation's schedule closes "
        "it; until then block access to the port.",
    )


def _health(settings: Settings) -> Iterator[AlarmSpec]:
    """On what the scheduled health check publishes (§2.4)."""
    # Two runs of the schedule in each period; two periods, as a deployment passes odd states.
    spec = partial(AlarmSpec, period=600, datapoints_to_alarm=2)
    health = f"Run make health ENV={settings.environment.name}"
    yield spec(
        name="health-failed",
        figure=published("HealthChecksFailed"),
        means="The deployment is not what its template asks for, or does not serve, for ten "
        "minutes or more.",
        first=f"{health}: each line that failed says what was found and wanted.",
    )
    yield spec(
        name="health-login",
        severity=Severity.CRITICAL,
        figure=published("HealthLoginsFailed"),
        means="A login over TLS with the token that clients read fails for ten minutes or "
        "more: clients cannot connect either.",
        first=f"{health}: the login lines say whether it is the network, TLS or the token.",
    )
    yield spec(
        name="health-not-run",
        figure=published("HealthCheckRan"),
        comparison="below",
        threshold=1,
        datapoints_to_alarm=3,
        treat_missing_data="breaching",
        means="The health check has not run for 30 minutes: what it would find is not reported.",
        first=f"{_log(settings, 'health')} Then look at its schedule.",
    )


def _recovery(settings: Settings) -> Iterator[AlarmSpec]:
    """On the backups and on the proof of them (§4.1, 4.2).

    The watch publishes each figure again at every pass, so that an alarm stays until the thing
    itself is fixed: one that failed, until a test has passed.
    """
    window = settings.redis.snapshot_window.minutes / MINUTES_AN_HOUR
    oldest = DAY_HOURS + window + BACKUP_HOURS
    recovery = settings.recovery
    # At least one run of the schedule in each period.
    spec = partial(AlarmSpec, period=900, datapoints_to_alarm=2)
    yield spec(
        name="snapshot-age",
        figure=published("SnapshotAgeHours"),
        threshold=oldest,
        treat_missing_data="breaching",  # nothing else shows that the watch no longer runs
        means=f"The newest automatic snapshot is older than {oldest:g} hours (a day, the backup's "
        "window and the backup itself), or the function that looks publishes nothing.",
        first="aws elasticache describe-events --source-type cache-cluster --duration 2880: did "
        "the backup start, and did it fail?",
    )
    yield spec(
        name="recovery-failed",
        figure=published("RecoveryFailed"),
        means="The last recovery test did not pass: it failed, timed out or was cancelled. It is "
        "not proven that the backups can be restored.",
        first="Read its report in the channel, then the execution's history.",
    )
    yield spec(
        name="recovery-point",
        runbook="recovery-objectives",
        figure=published("RecoveryPointHours"),
        threshold=recovery.point_objective_hours,
        means="The backup of the last recovery test was older than "
        f"{recovery.point_objective_hours} hours: more data would be lost than the plan accepts.",
        first="Was the daily backup late, or was the test started at another hour?",
    )
    yield spec(
        name="recovery-time",
        runbook="recovery-objectives",
        figure=published("RecoveryTimeMinutes"),
        threshold=recovery.time_objective_minutes,
        means="In the last recovery test the first verified read came later than "
        f"{recovery.time_objective_minutes} minutes after the start.",
        first="Compare with the months before: has the data grown, or was the restore slow?",
    )
    yield spec(
        name="recovery-overdue",
        figure=published("RecoveryAgeDays"),
        threshold=OLDEST_TEST_DAYS,
        means=f"No recovery test has passed for {OLDEST_TEST_DAYS} days: whether backups can be "
        "restored is not known.",
        first="Look at the schedule and at the last executions of the state machine.",
    )
    yield spec(
        name="recovery-leftovers",
        figure=published("RecoveryLeftovers"),
        means="A temporary group of a recovery test still exists after two runs of the sweep: it "
        "holds a copy of the data, and costs as much as a node.",
        first="Look at the group's status and events, and at the operator's log.",
    )
    yield spec(
        name="sentinels",
        figure=published("SentinelsAltered"),
        treat_missing_data="breaching",  # nothing else shows that the keeper no longer runs
        means="A key that proves a restored backup was altered, or the function that keeps these "
        "keys does not run: the next recovery test will fail.",
        first="Read the last lines of the keeper's log.",
    )


def _events(prefix: str) -> Iterator[AlarmSpec]:
    """On ElastiCache's events: those that page, and those that were not forwarded."""
    spec = partial(AlarmSpec, period=300, datapoints_to_alarm=1)
    waiting = "ApproximateNumberOfMessagesVisible"
    yield spec(
        name="serious-event",
        severity=Severity.CRITICAL,
        figure=published("SeriousEvents"),  # most hours have no event
        means="ElastiCache reported a failure that needs a person, such as a snapshot or a "
        "change of size that failed. No OK follows: resolve the incident when it is fixed.",
        first="Read ElastiCache's message in the channel, just before this one.",
        runbook="events",
        clears=False,
    )
    yield spec(
        name="event-errors",
        figure=service("AWS/Lambda", "Errors", "FunctionName", f"{prefix}-events", "Sum"),
        means="The function that forwards ElastiCache's events failed. Lambda tries twice more; "
        "an event that fails then is kept in the queue of unread events.",
        first="Read the last lines of the function's log.",
        runbook="events-unread",
    )
    yield spec(
        name="events-unread",
        # SQS sends nothing of a queue that was idle for six hours.
        figure=service("AWS/SQS", waiting, "QueueName", f"{prefix}-events-unread", "Maximum"),
        means="An event of ElastiCache or of a server was not forwarded: it waits in the queue of "
        "unread events.",
        first="Read the messages in the queue: which event is it?",
    )


def _undelivered(prefix: str) -> Iterator[AlarmSpec]:
    """On messages that SNS could not deliver: the alarm uses the other topic.

    SNS counts every refused attempt of an HTTPS delivery, retries too (SNS developer guide,
    "Monitoring Amazon SNS topics using CloudWatch"). The topic of ElastiCache's events needs none:
    what its one subscriber did not take waits in the queue of unread events.
    """
    failed = partial(service, "AWS/SNS", "NumberOfNotificationsFailed", "TopicName")
    # The two topics share Slack: while it refuses, the message about that fails again.
    # An hour's memory makes of that one page an hour, and not one every few minutes. SNS sends
    # nothing of a topic that nothing is published to.
    spec = partial(
        AlarmSpec, period=300, datapoints_to_alarm=1, evaluation_periods=12, runbook="undelivered"
    )
    yield spec(
        name="undelivered-pages",
        figure=failed(f"{prefix}-critical", "Sum"),
        means="PagerDuty or Slack refused a critical alarm's message: until this is fixed, a "
        "critical alarm may not page.",
        first="Which critical alarms are on now? Act on them. Then: does PagerDuty's integration "
        "still exist, under the address in the secret?",
    )
    yield spec(
        name="undelivered-warnings",
        severity=Severity.CRITICAL,
        figure=failed(f"{prefix}-warning", "Sum"),
        means="Slack refused a warning's message: until this is fixed, warnings are lost, so this "
        "alarm pages. No OK follows: resolve the incident when it is fixed.",
        clears=False,  # OK an hour later may say only that nothing was sent since
        first="Is the workspace still authorised in Chatbot's console?",
    )


def _reviews() -> Iterator[AlarmSpec]:
    """On reviews that did not run (§7): on the age of the last ones, which a watch publishes.

    One for all: the greatest of each age, as a part of the age at which it has been missed. The
    watch publishes all of them at once, so none is missing unless all are.

    CloudWatch looks back at most seven days, so the absence of a monthly metric cannot be alarmed
    on (CloudWatch user guide, "Alarm evaluation": evaluation range); an age can.
    """
    late = ", ".join(f"{kind.name} {kind.late_days}" for kind in REVIEWS)
    yield AlarmSpec(
        name="review-not-run",
        figure=ratios([(kind.age_metric, kind.late_days) for kind in REVIEWS]),
        threshold=1,
        period=1800,  # two runs of the watch in each
        datapoints_to_alarm=2,
        treat_missing_data="breaching",  # nothing else shows that the watch no longer runs
        means=f"A review is late (days at most: {late}), or the function that watches "
        "their ages publishes nothing.",
        first="The metrics Review…AgeDays say which. Read the last lines of its function's log, "
        "then look at its schedule.",
        when_new="In a new deployment it can fire for an hour, until each review has run once.",
    )


def _test(settings: Settings) -> Iterator[AlarmSpec]:
    """The monthly test of the way to people, and whether SNS counted it as delivered (§3.3)."""
    spec = partial(AlarmSpec, datapoints_to_alarm=1, runbook="notification-test")
    subscribers = 1 + bool(settings.notifications.pagerduty_secret_name)
    yield spec(
        name="notification-test",
        severity=Severity.CRITICAL,
        figure=published(TEST_MARK),
        period=900,  # a run of the watch in each
        means="This is the monthly test of the way to people: nothing is wrong. OK follows within "
        "an hour and a half.",
        first="Nothing, if you read it where you read alarms and, if you are on call, were paged.",
    )
    yield spec(
        name="notification-test-undelivered",
        severity=Severity.CRITICAL,  # by either of its two ways it can say that the other is lost
        figure=undelivered_test(f"{settings.prefix}-critical", subscribers),
        period=7200,  # the test's hour, and the half hour after which it must have arrived
        means="SNS's metrics do not show that the monthly test reached every subscriber of the "
        "critical topic: what should wake somebody may not.",
        first="Look where the test did not arrive: in the channel, or in PagerDuty.",
    )
