"""What the limiter does, for whatever OpenTelemetry SDK the application has.

The numbers are read when the SDK collects, so that a decision pays nothing for them. Names and
units follow OpenTelemetry's general conventions (docs/general/naming.md and metrics.md of its
semantic-conventions); it has none for rate limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
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

Read = Callable[[], Iterable[tuple[int, dict[str, str]]]]


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

    def publish(name: str, unit: str, description: str, read: Read) -> None:
        def observe(options: CallbackOptions) -> Iterable[Observation]:
            del options
            return [Observation(number, attributes) for number, attributes in read()]

        meter.create_observable_counter(f"{_NAMESPACE}.{name}", [observe], unit, description)

    publish("decisions", "{decision}", "Requests decided on", lambda: _decisions(limiters))
    publish("redis.errors", "{error}", "Failures on the way to Redis", lambda: _errors(limiters))
    for what, words in _STORAGE.items():
        publish(*words, partial(_one, what, limiters))
    return True


def _decisions(limiters: Iterable[Counting]) -> Iterable[tuple[int, dict[str, str]]]:
    for (tier, outcome), number in _total(limiters).items():
        yield number, {f"{_NAMESPACE}.tier": tier, f"{_NAMESPACE}.outcome": outcome}


def _errors(limiters: Iterable[Counting]) -> Iterable[tuple[int, dict[str, str]]]:
    for what, number in _total(_storages(limiters)).items():
        if what not in _STORAGE:
            yield number, {"error.type": what}


def _one(what: str, limiters: Iterable[Counting]) -> Iterable[tuple[int, dict[str, str]]]:
    yield _total(_storages(limiters))[what], {}


def _storages(limiters: Iterable[Counting]) -> Iterable[Any]:
    """Those of limiters that are not switched off."""
    return filter(None, (getattr(limiter, "storage", None) for limiter in limiters))


def _total(some: Iterable[Any]) -> Counter[Any]:
    # An SDK collects in a thread of its own, while decisions go on: a copy does not change.
    return sum((Counter(dict(each.counts)) for each in some), Counter())
