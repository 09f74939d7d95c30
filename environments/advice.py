"""What AWS accepts and an owner would still want to know: one warning a rule, with its reason."""

from collections.abc import Iterator
from itertools import combinations
from math import ceil, inf
from typing import NamedTuple

from environments.access import EXTRA_COMMANDS
from environments.engines import EXTENDED_SUPPORT_PERCENT
from environments.node_types import PRICE_REGION, smallest_with
from environments.schema import Settings

RETENTION_THAT_NIST_ASKS_FOR = 15
HOURS_A_MONTH = 730
BYTES_A_REQUEST = 4  # in the log of a full limit (docs/reference/decisions.md, §5.5)
LARGE_LOG = 400_000  # bytes
LONGEST_WAIT_SECONDS = 30
LOWEST_PERCENT, HIGHEST_PERCENT = 5, 98

# Parameters that ElastiCache takes at any value: least and most that do no harm, and the harm.
_OUTPUT = "client-output-buffer-limit"
_BUFFER = "a client whose answers wait is cut off at once"
_HARM: dict[str, tuple[int, float, str]] = {
    f"{_OUTPUT}-normal-hard-limit": (2**20, inf, _BUFFER),
    f"{_OUTPUT}-normal-soft-limit": (2**20, inf, _BUFFER),
    "acllog-max-len": (0, 10_000, "each refused command takes memory that keys would have"),
    "databases": (0, 1024, "each takes memory, and the client uses the first alone"),
    "maxmemory-samples": (0, 64, "each eviction looks at so many keys, while no client is served"),
    "repl-backlog-size": (0, 2**30, "it takes memory that keys would have"),
    "reserved-memory-percent": (0, 60, "the rest is all that keys have"),
    "slowlog-log-slower-than": (1000, inf, "nearly every command is logged, with its arguments"),
    "slowlog-max-len": (0, 10_000, "the log takes memory that keys would have"),
}
# Parameters of which the second must not be below the first: it would decide alone.
_IN_ORDER = (
    ("active-defrag-cycle-min", "active-defrag-cycle-max"),
    ("active-defrag-threshold-lower", "active-defrag-threshold-upper"),
    (f"{_OUTPUT}-normal-soft-limit", f"{_OUTPUT}-normal-hard-limit"),
    (f"{_OUTPUT}-pubsub-soft-limit", f"{_OUTPUT}-pubsub-hard-limit"),
)


class Advice(NamedTuple):
    """A warning: ``rule`` is stable, so that a build can acknowledge it."""

    rule: str
    message: str


def advice(settings: Settings) -> Iterator[Advice]:
    """Every warning about these settings."""
    for part in (_of_the_group, _of_the_application, _of_limits, _of_alarms, _of_parameters):
        for text in part(settings):
            rule, _, message = text.partition(": ")
            yield Advice(rule, message)


def _of_the_group(settings: Settings) -> Iterator[str]:
    redis, node = settings.redis, settings.redis.node_type
    if node.usable_gib < (wanted := redis.wanted_memory_gib):
        enough = smallest_with(wanted, like=node)
        instead = (
            f"The smallest type that really gives {wanted:g} GiB is {enough.name}"
            if enough
            else "No single node gives that: use cluster mode and more shards"
        )
        yield (
            f"memory: redis.node_type: {node.name} has {node.memory_gib:.2f} GiB, "
            f"{node.usable_gib:.2f} usable after the default reserve of 25 %, and {wanted:g} are "
            f"asked for. {instead}"
        )
    if ends := redis.engine.standard_support_ends:
        first, _, last = EXTENDED_SUPPORT_PERCENT
        monthly = (node.price("redis") or 0) * redis.topology.node_count * HOURS_A_MONTH
        yield (
            f"end-of-support: redis.engine: {redis.engine.name} leaves standard support on {ends}. "
            f"From the day after, Extended Support is billed by itself: {first} % on top of the "
            f"node price in years 1 and 2, {last} % in year 3, which is "
            f"${monthly * first / 100:,.0f} and ${monthly * last / 100:,.0f} per month at the list "
            f'prices of {PRICE_REGION}. Upgrade in place: engine = "redis-7.1" or a Valkey'
        )
    if (days := redis.snapshot_retention_days) < RETENTION_THAT_NIST_ASKS_FOR:
        yield (
            f"retention: redis.snapshot_retention_days: {days} days of backups; NIST 800-53 R5 "
            f"(CP-9) checkers ask for {RETENTION_THAT_NIST_ASKS_FOR}"
        )
    if rights := "; ".join(f"{name}: {EXTRA_COMMANDS[name]}" for name in redis.extra_commands):
        yield f"extra-commands: redis.extra_commands: clients with the token may also: {rights}"


def _of_the_application(settings: Settings) -> Iterator[str]:
    application, warning = settings.application, settings.alarms.connections.warning
    if application.connections >= warning:
        yield (
            f"connections: application: {application.connections} connections in normal use reach "
            f"the warning at {warning:g}, which would then never clear"
        )
    server = int(settings.redis.parameters.get("timeout", 0))
    if server and (idle := application.pool_idle_seconds) >= server:
        yield (
            f"pool-idle: application.pool_idle_seconds: {idle} s is not below the server's timeout "
            f"of {server} s: Redis closes connections that the pool still counts on"
        )
    if (seconds := application.timeout_ms / 1000) > LONGEST_WAIT_SECONDS:
        yield (
            "long-waits: application.timeout_ms: while a node does not answer, each request waits "
            f"{seconds:g} s, and the application's workers with it"
        )
    if not application.redis_enabled:
        yield (
            "redis-unused: application.redis_enabled: it is false, so each instance counts for "
            "itself, and users are admitted once per instance"
        )


def _of_limits(settings: Settings) -> Iterator[str]:
    """A window is never the one that refuses if a shorter or a longer one always refuses first."""
    large = []
    for name, tier in settings.application.rate_limits:
        idle = [
            str(long if long.requests >= most else short)
            for short, long in combinations(tier, 2)
            if long.requests >= (most := short.requests * ceil(long.seconds / short.seconds))
            or short.requests >= long.requests
        ]
        if idle:
            yield (
                f"idle-windows: application.rate_limits.{name}: another window always refuses "
                f"before {' and '.join(dict.fromkeys(idle))} (requests,seconds) does"
            )
        size = max(window.requests for window in tier) * BYTES_A_REQUEST
        large += [f"{name} {size / 1e6:.1f} MB"] if size > LARGE_LOG else []
    if large:
        yield (
            "long-logs: application.rate_limits: a user or an address that uses its limit up takes "
            f"{', '.join(large)} of memory: an exact limit keeps each request. Fewer requests in "
            "fewer seconds limit as much"
        )


def _of_alarms(settings: Settings) -> Iterator[str]:
    alarms = settings.alarms
    for key, rising in (
        ("memory_percent", alarms.memory_percent),
        ("cpu_percent", alarms.cpu_percent),
    ):
        at = f"thresholds-at-an-end: alarms.{key}"
        if rising.critical > HIGHEST_PERCENT:
            yield f"{at}: critical {rising.critical:g} fires when it is too late to act"
        if rising.warning < LOWEST_PERCENT:
            yield f"{at}: warning {rising.warning:g} is what an idle node reaches"
    if alarms.hit_rate.warning_percent > HIGHEST_PERCENT:
        yield (
            "thresholds-at-an-end: alarms.hit_rate: each new user's first read finds no key, so it "
            "would never clear"
        )
    if not settings.notifications.pagerduty_secret_name:
        yield (
            "nobody-paged: notifications.pagerduty_secret_name: not set, so critical alarms reach "
            "Slack alone"
        )


def _of_parameters(settings: Settings) -> Iterator[str]:
    given, replicas = settings.redis.parameters, settings.redis.replicas
    least = int(given.get("min-replicas-to-write", 0))
    if least and least >= replicas:
        yield (
            f"writes-without-a-replica: redis.parameters.min-replicas-to-write: {least} of "
            f"{replicas} replicas: while one is lost or replaced, and in each failover, Redis "
            "refuses every write"
        )
    harm = [
        f"{name} = {given[name]}: {why}"
        for name, (least, most, why) in _HARM.items()
        if name in given and int(given[name]) > 0 and not least <= int(given[name]) <= most
    ]
    harm += [
        f"{first} above {second}: the latter decides alone"
        for first, second in _IN_ORDER
        if int(given.get(first, 0)) > int(given.get(second, 0)) > 0
    ]
    if given.get("slowlog-log-slower-than") in (0, "0"):
        harm.append("slowlog-log-slower-than = 0: every command is logged, with its arguments")
    if given.get("maxmemory-policy") == "noeviction":
        harm.append("maxmemory-policy = noeviction: a full node refuses every write")
    if harm:
        yield f"harmful-parameters: redis.parameters: {'; '.join(harm)}"
