"""A run in virtual time, with an outcome as a real one has it, and limiters to decide in it."""

import heapq
from collections.abc import Callable
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
    held: dict[Key, list[float]] = {}
    answers = sorted(_answers(make, limiters, held))
    return Outcome(
        plan=_PLAN,
        answers=answers,
        samples=[_sample(float(second)) for second in range(int(_PLAN.end))],
        replica=_loss("replica", REPLICA_LOST, held),
        primary=replace(
            _loss("primary", PRIMARY_LOST, held),
            replicated_until=PRIMARY_LOST - 0.005,
        ),
        asked=list(_asked(held)),
    )


def _answers(
    make: Make, limiters: dict[Key, ExactLog], held: dict[Key, list[float]]
) -> list[Answer]:
    everyone = clients(_PLAN)
    draw = Random(1)  # noqa: S311 - a load is no secret
    nexts = {client.number: rhythm(client, _PLAN) for client in everyone}
    due = [(client.number / _PLAN.spawn_rate, client.number) for client in everyone]
    heapq.heapify(due)
    found = []
    while due and due[0][0] < _PLAN.end:
        sent, number = heapq.heappop(due)
        client = everyone[number]
        answer = _answer(client, sent, draw, make, limiters, held)
        found.append(answer)
        heapq.heappush(due, (max(nexts[number](answer.received), answer.received), number))
    return found


def _answer(
    client: Client,
    sent: float,
    draw: Random,
    make: Make,
    limiters: dict[Key, ExactLog],
    held: dict[Key, list[float]],
) -> Answer:
    tiers = list(_PLAN.tiers)
    tier = client.tier or draw.choices(tiers, [SHARES[one] for one in tiers])[0]
    at, received = sent + draw.uniform(0, 0.001), sent + 0.001 + draw.uniform(0, 0.002)
    times = {"late": 0.001, "began": at, "limited": 0.0005, "answered": received - 0.0002}
    answer = Answer(
        sent, received, client.user, client.ip, tier, 200, "redis", client.number % 2, **times
    )
    both = [limiters.setdefault(key, make(key, _PLAN.tiers[tier])) for key in answer.keys]
    # All are asked: a limiter may do its own counting then.
    room = [one.has_room(at) for one in both]
    if not all(room):
        return answer._replace(status=429)
    for key, one in zip(answer.keys, both, strict=True):
        one.count(at)
        held.setdefault(key, []).append(at)
    return answer


def _loss(name: str, at: float, held: dict[Key, list[float]]) -> Loss:
    seen = {
        key: [time for time in times if at - 3 < time < at + 0.02] for key, times in held.items()
    }
    holding = Holding(at + 0.03, seen)
    return Loss(name, at, at + 0.01, PROMOTED, at + 0.2, holding, "replica")


def _asked(held: dict[Key, list[float]]) -> list[Asked]:
    found = []
    for client in clients(_PLAN):
        if client.tier is None:
            continue
        requests, seconds = _PLAN.tiers[client.tier]
        for kind, value in (("user", client.user), ("ip", client.ip)):
            key = Key(client.tier, kind, value)
            many = sum(ASKED - seconds < at <= ASKED for at in held.get(key, []))
            found.append(Asked(ASKED + 0.001, key, many < requests, "redis"))
    return found


def _sample(at: float) -> Sample:
    there = int(min(_PLAN.users, at * _PLAN.spawn_rate))
    return Sample(at, there, there, generator=0.1, measuring=0.0, others=0.0)
