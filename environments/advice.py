"""What AWS accepts and an owner would still want to know: one warning a rule, with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import ceil, inf

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
_BUFFER = "a client whose answers wait is cut off at once"
_HARM: dict[str, tuple[int, float, str]] = {
    "client-output-buffer-limit-normal-hard-limit": (2**20, inf, _BUFFER),
    "client-output-buffer-limit-normal-soft-limit": (2**20, inf, _BUFFER),
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
    (
        "client-output-buffer-limit-normal-soft-limit",
        "client-output-buffer-limit-normal-hard-limit",
    ),
    (
        "client-output-buffer-limit-pubsub-soft-limit",
        "client-output-buffer-limit-pubsub-hard-limit",
    ),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning: ``rule`` is stable, so that a build can acknowledge it."""

    rule: str
    message: str


def advice(settings: Settings) -> Iterator[Advice]:
    """Every warning about these settings."""
    for rule in (
        _memory,
        _end_of_support,
        _retention,
        _connections,
        _pool_idle,
        _long_waits,
        _redis_unused,
        _thresholds_at_an_end,
        _idle_windows,
        _nobody_paged,
        _extra_commands,
        _writes_without_a_replica,
        _long_logs,
        _harmful_parameters,
    ):
        name = rule.__name__.strip("_").replace("_", "-")
        yield from (Advice(name, message) for message in rule(settings))


def _memory(settings: Settings) -> Iterator[str]:
    node, wanted = settings.redis.node_type, settings.redis.wanted_memory_gib
    if node.usable_gib >= wanted:
        return
    enough = smallest_with(wanted, like=node)
    instead = (
        f"The smallest type that really gives {wanted:g} GiB is {enough.name}"
        if enough
        else "No single node gives that: use cluster mode and more shards"
    )
    yield (
        f"redis.node_type: {node.name} has {node.memory_gib:.2f} GiB, {node.usable_gib:.2f} usable "
        f"after the default reserve of 25 %, and {wanted:g} are asked for. {instead}"
    )


def _end_of_support(settings: Settings) -> Iterator[str]:
    ends = settings.redis.engine.standard_support_ends
    if ends is None:
        return
    first, _, last = EXTENDED_SUPPORT_PERCENT
    hourly = settings.redis.node_type.price("redis")
    monthly = (hourly or 0) * settings.redis.topology.node_count * HOURS_A_MONTH
    yield (
        f"redis.engine: {settings.redis.engine.name} leaves standard support on {ends}. From the "
        f"day after, Extended Support is billed by itself: {first} % on top of the node price in "
        f"years 1 and 2, {last} % in year 3, which is ${monthly * first / 100:,.0f} and "
        f"${monthly * last / 100:,.0f} per month at the list prices of {PRICE_REGION}. "
        'Upgrade in place: engine = "redis-7.1" or a Valkey'
    )


def _retention(settings: Settings) -> Iterator[str]:
    days = settings.redis.snapshot_retention_days
    if days < RETENTION_THAT_NIST_ASKS_FOR:
        yield (
            f"redis.snapshot_retention_days: {days} days of backups; NIST 800-53 R5 (CP-9) "
            f"checkers ask for {RETENTION_THAT_NIST_ASKS_FOR}"
        )


def _connections(settings: Settings) -> Iterator[str]:
    budget, warning = settings.application.connections, settings.alarms.connections.warning
    if budget >= warning:
        yield (
            f"application: {budget} connections in normal use reach the warning at {warning:g}, "
            "which would then never clear"
        )


def _pool_idle(settings: Settings) -> Iterator[str]:
    server = int(settings.redis.parameters.get("timeout", 0))
    idle = settings.application.pool_idle_seconds
    if server and idle >= server:
        yield (
            f"application.pool_idle_seconds: {idle} s is not below the server's timeout of "
            f"{server} s: Redis closes connections that the pool still counts on"
        )


def _long_waits(settings: Settings) -> Iterator[str]:
    seconds = settings.application.timeout_ms / 1000
    if seconds > LONGEST_WAIT_SECONDS:
        yield (
            f"application.timeout_ms: while a node does not answer, each request waits {seconds:g} "
            "s, and the application's workers with it"
        )


def _redis_unused(settings: Settings) -> Iterator[str]:
    if not settings.application.redis_enabled:
        yield (
            "application.redis_enabled: it is false, so each instance counts for itself, and users "
            "are admitted once per instance"
        )


def _thresholds_at_an_end(settings: Settings) -> Iterator[str]:
    alarms = settings.alarms
    for key, rising in (
        ("memory_percent", alarms.memory_percent),
        ("cpu_percent", alarms.cpu_percent),
    ):
        if rising.critical > HIGHEST_PERCENT:
            yield f"alarms.{key}: critical {rising.critical:g} fires when it is too late to act"
        if rising.warning < LOWEST_PERCENT:
            yield f"alarms.{key}: warning {rising.warning:g} is what an idle node reaches"
    if alarms.hit_rate.warning_percent > HIGHEST_PERCENT:
        yield "alarms.hit_rate: each new user's first read finds no key, so it would never clear"


def _idle_windows(settings: Settings) -> Iterator[str]:
    """A window is never the one that refuses if a shorter or a longer one always refuses first."""
    for name, tier in settings.application.rate_limits:
        idle = [
            str(long if long.requests >= most else short)
            for short, long in combinations(tier, 2)
            if long.requests >= (most := short.requests * ceil(long.seconds / short.seconds))
            or short.requests >= long.requests
        ]
        if idle:
            yield (
                f"application.rate_limits.{name}: another window always refuses before "
                f"{' and '.join(dict.fromkeys(idle))} (requests,seconds) does"
            )


def _nobody_paged(settings: Settings) -> Iterator[str]:
    if not settings.notifications.pagerduty_secret_name:
        yield "notifications.pagerduty_secret_name: not set, so critical alarms reach Slack alone"


def _extra_commands(settings: Settings) -> Iterator[str]:
    extra = settings.redis.extra_commands
    rights = "; ".join(f"{command}: {EXTRA_COMMANDS[command]}" for command in extra)
    if rights:
        yield f"redis.extra_commands: clients with the token may also: {rights}"


def _writes_without_a_replica(settings: Settings) -> Iterator[str]:
    least = int(settings.redis.parameters.get("min-replicas-to-write", 0))
    if least and least >= settings.redis.replicas:
        yield (
            f"redis.parameters.min-replicas-to-write: {least} of {settings.redis.replicas} "
            "replicas: while one is lost or replaced, and in each failover, Redis refuses "
            "every write"
        )


def _long_logs(settings: Settings) -> Iterator[str]:
    large = {
        name: requests * BYTES_A_REQUEST / 1e6
        for name, tier in settings.application.rate_limits
        if (requests := max(window.requests for window in tier)) * BYTES_A_REQUEST > LARGE_LOG
    }
    sizes = ", ".join(f"{name} {size:.1f} MB" for name, size in large.items())
    if large:
        yield (
            f"application.rate_limits: a user or an address that uses its limit up takes {sizes} "
            "of memory: an exact limit keeps each request. Fewer requests in fewer seconds limit "
            "as much"
        )


def _harmful_parameters(settings: Settings) -> Iterator[str]:
    given = settings.redis.parameters
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
        yield f"redis.parameters: {'; '.join(harm)}"
