"""One request and its answer, as the judges see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rehearsal.load.clients import clients
from rehearsal.load.plan import Plan
from rehearsal.load.records import Record

_ADMITTED, _DENIED, _UNAVAILABLE = 200, 429, 503
_FALLBACK = "fallback"


class Answer(NamedTuple):
    """Times are seconds since the load began; a `status` of 0 is no answer at all.

    `source` says who decided ("redis", "memory", "fallback", "disabled"), "" if nobody tells, and
    `instance` which one of the application. The generator sent the request `late` seconds after it
    was due. `began`, `limited` (the limiter's own seconds) and `answered` are the application's
    account of it, 0 if there is none.
    """

    sent: float
    received: float
    user: str
    ip: str
    tier: str
    status: int
    source: str
    instance: int = 0
    late: float = 0.0
    began: float = 0.0
    limited: float = 0.0
    answered: float = 0.0

    @property
    def response(self) -> float:
        """Seconds until the application had answered; until that was read, if it does not say."""
        return (self.answered or self.received) - self.sent

    @property
    def unread(self) -> float:
        """Seconds that the answer waited for the generator to read it."""
        return self.received - (self.answered or self.received)

    @property
    def admitted(self) -> bool:
        """Whether the limiter let it through."""
        return self.status == _ADMITTED

    @property
    def denied(self) -> bool:
        """Whether the limiter did not; the fallback says that Redis is away."""
        return self.status == _DENIED or (self.status == _UNAVAILABLE and self.source == _FALLBACK)

    @property
    def failed(self) -> bool:
        """Whether it is neither: an error of the application's, or nothing at all."""
        return not (self.admitted or self.denied)

    @property
    def exact(self) -> bool:
        """Whether it is Redis' own decision, or claims to be."""
        return not self.failed and self.source != _FALLBACK

    @property
    def keys(self) -> tuple[Key, Key]:
        """What it counts against: its user's limit and its address's."""
        return Key(self.tier, "user", self.user), Key(self.tier, "ip", self.ip)


class Key(NamedTuple):
    """One limit of one user or address."""

    tier: str
    kind: str
    value: str


def answers(records: Iterable[Record], plan: Plan, begin: float) -> list[Answer]:
    """The records with the names of users, addresses and tiers, in the order of sending."""
    crowd, tiers = clients(plan), list(plan.tiers)
    found = []
    for record in records:
        client = crowd[record.client]
        found.append(
            Answer(
                record.sent / 1e9 - begin,
                record.received / 1e9 - begin,
                client.user,
                client.ip,
                tiers[record.tier],
                record.status,
                record.source,
                record.client % plan.instances,
                (record.sent - record.due) / 1e9,
                record.began and record.began / 1e9 - begin,
                record.limited / 1e9,
                record.answered and record.answered / 1e9 - begin,
            )
        )
    return sorted(found)
