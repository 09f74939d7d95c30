"""How much load, for how long, and when the nodes are lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

Tier = tuple[int, int]  # requests, in so many seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Times are seconds since the first user comes; all `users` are there after users / spawn_rate.

    A user thinks `think` seconds on the average between an answer and the next request. The primary
    answers nobody from `primary_lost` on, and its process is killed `silence` later. A request
    waits `deadline_ms` for Redis' decision, then the fallback decides.
    """

    users: int
    think: float
    spawn_rate: float
    tiers: Mapping[str, Tier]
    replica_lost: float
    primary_lost: float
    silence: float
    end: float
    instances: int = 2
    deadline_ms: int = 50

    @property
    def window(self) -> int:
        """The longest window of a tier, in seconds."""
        return max(seconds for _, seconds in self.tiers.values())

    @property
    def all_there(self) -> float:
        """When the last user has come."""
        return self.users / self.spawn_rate

    @property
    def wanted_rate(self) -> float:
        """Requests a second that must be reached: nine tenths of what the users could ask."""
        return 0.9 * self.users / self.think

    def stretched(self, by: int) -> Plan:
        """The same requests in so many times the time, for a machine that is slow."""
        return replace(
            self,
            think=self.think * by,
            spawn_rate=self.spawn_rate / by,
            tiers={name: (many, seconds * by) for name, (many, seconds) in self.tiers.items()},
            replica_lost=self.replica_lost * by,
            primary_lost=self.primary_lost * by,
            silence=self.silence * by,
            end=self.end * by,
            deadline_ms=self.deadline_ms * by,
        )


def full(tiers: Mapping[str, Tier]) -> Plan:
    """The plan's 5000 users, long enough for whole windows before and after the losses."""
    return Plan(
        users=5000,
        think=5.0,
        spawn_rate=250,
        tiers=tiers,
        replica_lost=90,
        primary_lost=112,
        silence=3,
        end=180,
    )
