"""Everything that a run has measured: the judges and the report see nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from rehearsal.load.answer import Answer, Key
from rehearsal.load.held import Holding
from rehearsal.load.plan import Plan


@dataclass(frozen=True)
class NodeLoad:
    """One node in one second: commands, cores of processor time, open connections."""

    commands: float
    cores: float
    connections: int


@dataclass(frozen=True)
class Sample:
    """One look at the machine. `cores` is by program; a node that is away is not in `nodes`.

    `connections` are open at the application, `ever` have been, a new one of a user counted anew.
    """

    at: float
    connections: int
    ever: int
    cores: dict[str, float]
    nodes: dict[str, NodeLoad]


@dataclass(frozen=True)
class Loss:
    """A node that answered nobody from `before` on, and whose process was `gone` then.

    There was a primary at `promoted`, which held `holding` soon after, and at `whole` the node was
    there again, as "replica" if all is well. Of a lost primary: until when everything written had
    reached the replica, None if never, and how many bytes of its last known stream had not.
    """

    node: str
    before: float
    gone: float
    promoted: float
    whole: float
    holding: Holding
    rejoined_as: str | None
    replicated_until: float | None = None
    bytes_behind: int | None = None


@dataclass(frozen=True)
class Asked:
    """What a client that remembers nothing was told of one key, without anything counted."""

    sent: float
    received: float
    key: Key
    allowed: bool
    source: str


@dataclass(frozen=True)
class Outcome:
    """Times are seconds since the first user came."""

    plan: Plan
    answers: list[Answer]
    samples: list[Sample]
    replica: Loss
    primary: Loss
    asked: list[Asked] = field(default_factory=list)

    @property
    def peak(self) -> list[Answer]:
        """What was sent while all users were there."""
        begin, end = self.plan.all_there, self.plan.end
        return [answer for answer in self.answers if begin <= answer.sent < end]

    @property
    def unsure(self) -> frozenset[Answer]:
        """Admissions that the old primary may have taken with it."""
        since, until = self.primary.replicated_until or 0.0, self.primary.promoted
        return frozenset(
            answer
            for answer in self.answers
            if answer.admitted and answer.exact and answer.received > since and answer.sent < until
        )
