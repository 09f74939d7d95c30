"""What is printed while the load runs."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.load.judges.latency import percentile
from rehearsal.load.outcome import Sample
from rehearsal.load.records import Record

Say = Callable[[str], None]


class Progress:
    """One line every so many seconds, about what came since the last one."""

    def __init__(self, say: Say, every: float) -> None:
        self._say = say
        self._every = every
        self._told = 0.0
        self._new: list[Record] = []
        say("    at      users   req/s   mean     p99   429/s   fallback   redis cmd/s")

    def __call__(self, now: float, news: list[Record], samples: list[Sample]) -> None:
        """Tell, if it is time to."""
        self._new += news
        if now - self._told < self._every or not samples:
            return
        seconds, self._told = now - self._told, now
        taken = sorted((one.received - one.sent) / 1e6 for one in self._new)
        mean = sum(taken) / len(taken) if taken else 0.0
        denied = sum(one.status == 429 for one in self._new)
        fallback = sum(one.source == "fallback" for one in self._new)
        commands = sum(node.commands for node in samples[-1].nodes.values())
        self._say(
            f"  {now:4.0f} s  {samples[-1].connections:7} {len(taken) / seconds:7.0f} "
            f"{mean:6.1f} {percentile(taken, 99) if taken else 0.0:7.1f} ms "
            f"{denied / seconds:5.0f} {fallback:10} {commands:13.0f}"
        )
        self._new = []

    def event(self, now: float, text: str) -> None:
        """Something happened."""
        self._say(f"  {now:4.0f} s  {text}")
