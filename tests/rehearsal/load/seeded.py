"""A run in virtual time, with an outcome as a real one has it, and limiters to decide in it."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from rehearsal.load.outcome import Asked, Holding, Loss, Outcome, Sample
from rehearsal.load.plan import SHARES, SHORT, Answer, Client, Key, Tier, clients, rhythm

REPLICA_LOST, PRIMARY_LOST = 6.0, 9.0
PROMOTED, ASKED = 9.02, 9.05
_PLAN = SHORT


class ExactLog:
    """One key's limiter, as the project's is; `more` makes it one that counts wrongly."""

    def __init__(self, _key: Key, tier: Tier, more: int = 0) -> None:
        self.requests, self.seconds = tier[0] + more, tier[1]
        self.times: list[float] = []

    def has_room(self, now: float) -> bool:
        return sum(at > now - self.seconds for at in self.times) < self.requests

    def count(self, now: float) -> None:
        self.times.append(now)


class FixedWindow(ExactLog):
    """INCR and EXPIRE: a window begins with the first request after the last one."""

    def has_room(self, now: float) -> bool:
        if self.times and now >= self.times[0] + self.seconds:
            self.times.clear()
        return len(self.times) < self.requests


class Even(ExactLog):
    """Denies who comes sooner than the limit's average: it never admits too many."""

    def has_room(self, now: float) -> bool:
        return not self.times or now >= self.times[-1] + self.seconds / self.requests


Make = Callable[[Key, Tier], ExactLog]


def outcome(make: Make = ExactLog) -> Outcome:
    """Nothing fails, no answer is slow, no node loses anything; `make` decides."""
    limiters: dict[Key, ExactLog] = {}
    held = defaultdict[Key, list[float]](list)
    draw, tiers = Random(1), list(_PLAN.tiers)  # noqa: S311 - a load is no secret

    def answer(client: Client, sent: float) -> Answer:
        tier = client.tier or draw.choices(tiers, [SHARES[one] for one in tiers])[0]
        at, received = sent + draw.uniform(0, 0.001), sent + 0.001 + draw.uniform(0, 0.002)
        times = {"late": 0.001, "began": at, "limited": 0.0005, "answered": received - 0.0002}
        instance = client.number % 2
        found = Answer(
            sent, received, client.user, client.ip, tier, 200, "redis", instance, **times
        )
        both = [limiters.setdefault(key, make(key, _PLAN.tiers[tier])) for key in found.keys]
        # All are asked: a limiter may do its own counting then.
        room = [one.has_room(at) for one in both]
        if not all(room):
            return found._replace(status=429)
        for key, one in zip(found.keys, both, strict=True):
            one.count(at)
            held[key].append(at)
        return found

    everyone, answers = clients(_PLAN), []
    nexts = [rhythm(client, _PLAN) for client in everyone]
    due = [(number / _PLAN.spawn_rate, number) for number in range(len(everyone))]
    while due[0][0] < _PLAN.end:
        sent, number = due[0]
        answers.append(answer(everyone[number], sent))
        received = answers[-1].received
        heapq.heapreplace(due, (max(nexts[number](received), received), number))
    primary = _loss("primary", PRIMARY_LOST, held)
    return Outcome(
        plan=_PLAN,
        answers=sorted(answers),
        samples=[_sample(float(second)) for second in range(int(_PLAN.end))],
        replica=_loss("replica", REPLICA_LOST, held),
        primary=replace(primary, replicated_until=PRIMARY_LOST - 0.005),
        asked=list(_asked(held)),
    )


def _loss(name: str, at: float, held: dict[Key, list[float]]) -> Loss:
    seen = {
        key: [time for time in times if at - 3 < time < at + 0.02] for key, times in held.items()
    }
    holding = Holding(at + 0.03, seen)
    return Loss(name, at, at + 0.01, PROMOTED, at + 0.2, holding, "replica")


def _asked(held: dict[Key, list[float]]) -> Iterator[Asked]:
    for client in clients(_PLAN):
        if client.tier is not None:
            requests, seconds = _PLAN.tiers[client.tier]
            for kind, value in (("user", client.user), ("ip", client.ip)):
                key = Key(client.tier, kind, value)
                many = sum(ASKED - seconds < at <= ASKED for at in held.get(key, []))
                yield Asked(ASKED + 0.001, key, many < requests, "redis")


def _sample(at: float) -> Sample:
    there = int(min(_PLAN.users, at * _PLAN.spawn_rate))
    return Sample(at, there, there, generator=0.1, measuring=0.0, others=0.0)
