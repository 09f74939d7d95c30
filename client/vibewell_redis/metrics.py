"""What the limiter does, for whatever OpenTelemetry SDK the application has.

The numbers are read when the SDK collects, so that a decision pays nothing for them. Names and
units follow OpenTelemetry's general conventions (docs/general/naming.md and metrics.md of its
semantic-conventions); it has none for rate limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

_NAMESPACE = "vibewell.rate_limit"
# What a storage counts, with name, unit and description; all else that it counts is an error.
_STORAGE = {
    "commands": ("redis.commands", "{command}", "Commands sent to Redis"),
    "decisions": ("redis.decisions", "{decision}", "Decisions that these commands carried"),
    "late": ("redis.late_decisions", "{decision}", "Decisions that Redis did not make in time"),
    "opened": ("redis.outages", "{outage}", "How often Redis was taken to be away"),
}
_PUBLISHED = _STORAGE | {
    "outcomes": ("decisions", "{decision}", "Requests decided on"),
    "errors": ("redis.errors", "{error}", "Failures on the way to Redis"),
}


class Counting(Protocol):
    """A limiter. Where it has a ``storage``, that one's counts are published too."""

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Numbers of decisions by tier and outcome, which only grow."""


def instrument(*limiters: Counting, meter_provider: MeterProvider | None = None) -> bool:
    """Publish what the limiters of this process count, added up. Call it once a process.

    ``vibewell.rate_limit.decisions`` by tier and outcome; ``vibewell.rate_limit.redis.`` commands,
    decisions, late_decisions, outages, and errors by ``error.type``. Without the package
    opentelemetry-api nothing happens, and the answer is False.
    """
    try:
        from opentelemetry.metrics import Observation, get_meter
    except ImportError:
        return False
    meter = get_meter("vibewell_redis", meter_provider=meter_provider)
    for what, (name, unit, description) in _PUBLISHED.items():

        def observe(_: CallbackOptions, what: str = what) -> Iterable[Observation]:
            return [Observation(*each) for each in _read(what, limiters)]

        meter.create_observable_counter(f"{_NAMESPACE}.{name}", [observe], unit, description)
    return True


def _read(what: str, limiters: Iterable[Counting]) -> Iterable[tuple[int, dict[str, str]]]:
    # A limiter that is switched off has no storage.
    storages = filter(None, (getattr(limiter, "storage", None) for limiter in limiters))
    if what == "outcomes":
        for (tier, outcome), number in _total(limiters).items():
            yield number, {f"{_NAMESPACE}.tier": tier, f"{_NAMESPACE}.outcome": outcome}
    elif what == "errors":
        for kind, number in _total(storages).items():
            if kind not in _STORAGE:
                yield number, {"error.type": kind}
    else:
        yield _total(storages)[what], {}


def _total(some: Iterable[Any]) -> Counter[Any]:
    # An SDK collects in a thread of its own, while decisions go on: a copy does not change.
    return sum((Counter(dict(each.counts)) for each in some), Counter())
