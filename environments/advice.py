"""What AWS accepts and an owner would still want to know: one warning a rule, with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from environments.access import EXTRA_COMMANDS
from environments.engines import EXTENDED_SUPPORT_PERCENT
from environments.node_types import smallest_with
from environments.schema import Settings

RETENTION_THAT_NIST_ASKS_FOR = 15


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
        _nobody_paged,
        _extra_commands,
    ):
        message = rule(settings)
        if message:
            yield Advice(f"{rule.__name__.strip('_').replace('_', '-')}", message)


def _memory(settings: Settings) -> str | None:
    node, wanted = settings.redis.node_type, settings.redis.wanted_memory_gib
    if node.usable_gib >= wanted:
        return None
    enough = smallest_with(wanted, like=node)
    instead = (
        f"The smallest type that really gives {wanted:g} GiB is {enough.name}"
        if enough
        else "No single node gives that: use cluster mode and more shards"
    )
    return (
        f"redis.node_type: {node.name} has {node.memory_gib:.2f} GiB, {node.usable_gib:.2f} usable "
        f"after the default reserve of 25 %, and {wanted:g} are asked for. {instead}"
    )


def _end_of_support(settings: Settings) -> str | None:
    ends = settings.redis.engine.standard_support_ends
    if ends is None:
        return None
    first, _, last = EXTENDED_SUPPORT_PERCENT
    return (
        f"redis.engine: {settings.redis.engine.name} leaves standard support on {ends}. From the "
        f"day after, Extended Support is billed by itself: {first} % on top of the node price in "
        f'years 1 and 2, {last} % in year 3. Upgrade in place: engine = "redis-7.1" or a Valkey'
    )


def _retention(settings: Settings) -> str | None:
    days = settings.redis.snapshot_retention_days
    if days >= RETENTION_THAT_NIST_ASKS_FOR:
        return None
    return (
        f"redis.snapshot_retention_days: {days} days of backups; NIST 800-53 R5 (CP-9) checkers "
        f"ask for {RETENTION_THAT_NIST_ASKS_FOR}"
    )


def _connections(settings: Settings) -> str | None:
    budget, warning = settings.application.connections, settings.alarms.connections.warning
    if budget < warning:
        return None
    return (
        f"application: {budget} connections in normal use reach the warning at {warning:g}, which "
        "would then never end"
    )


def _pool_idle(settings: Settings) -> str | None:
    server = int(settings.redis.parameters.get("timeout", 0))
    idle = settings.application.pool_idle_seconds
    if not server or idle < server:
        return None
    return (
        f"application.pool_idle_seconds: {idle} s is not below the server's timeout of {server} s: "
        "Redis closes connections that the pool still counts on"
    )


def _nobody_paged(settings: Settings) -> str | None:
    if settings.notifications.pagerduty_secret_name:
        return None
    return "notifications.pagerduty_secret_name: not set, so critical alarms reach Slack alone"


def _extra_commands(settings: Settings) -> str | None:
    extra = settings.redis.extra_commands
    if not extra:
        return None
    rights = "; ".join(f"{command}: {EXTRA_COMMANDS[command]}" for command in extra)
    return f"redis.extra_commands: whoever holds the token may also: {rights}"
