"""What goes on behind a status: the work itself, and as long as AWS would take, compressed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from emulator.elasticache.state import Held, ReplicationGroup, State

log = logging.getLogger(__name__)

# Seconds that AWS takes. A change of users took 2 to 5 minutes and more in the field
# (terraform-provider-aws#20729), create and destroy 947 s (#34460); others unverified.
NOMINAL_SECONDS = {
    "creating": 600.0,
    "modifying": 300.0,
    "users": 300.0,
    "at once": 0.0,
    "snapshotting": 300.0,
    "deleting": 300.0,
    "updating": 600.0,  # one node, by a service update
}
CLOSE_SECONDS = 60.0


class Jobs:
    """Runs one piece of work a group in a thread. `speed` divides AWS's durations."""

    def __init__(self, state: State, speed: float) -> None:
        self._state = state
        self._speed = speed
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(
        self,
        group: ReplicationGroup,
        status: str,
        kind: str,
        work: Callable[[], None],
        done: Callable[[], None] = lambda: None,
        failed: str = "available",
    ) -> None:
        """Do an operation on a group; its users are `modifying` with it where that is so."""
        held: list[tuple[Held, str]] = [(group, status)]
        if group.user_group is not None and self._state.promises.users_follow:
            users = self._state.user_groups[group.user_group]
            along: list[Held] = [users, *map(self._state.user, users.users)]
            held += [(each, "modifying") for each in along if each.status == each.rest]
        self.hold(held, kind, work, done, failed)

    def hold(
        self,
        held: Sequence[tuple[Held, str]],
        kind: str,
        work: Callable[[], None],
        done: Callable[[], None] = lambda: None,
        failed: str | None = None,
    ) -> None:
        """Give each of these its status now and, when the work is done, let all rest again.

        `done` then runs under the lock; after a failure the first one's status is `failed`, if
        given, and an event says why.
        """
        for each, status in held:
            each.status = status
        first = held[0][0]

        def over() -> None:
            for each, _ in held:
                each.status = each.rest

        def job() -> None:
            started = time.monotonic()
            try:
                work()
            except Exception as error:
                log.exception("%s of %s failed", kind, first.id)
                self._state.event(first.kind, first.id, f"{kind} failed: {error}")
                with self._state.lock:
                    over()
                    first.status = failed or first.rest
                return
            self.wait(self.seconds(kind) - (time.monotonic() - started))
            with self._state.lock:
                over()
                done()

        self._start(f"{kind}-{first.id}", job)

    def seconds(self, kind: str) -> float:
        """How long an operation, or a part of one, takes here."""
        promised = self._state.promises.seconds
        if kind == "users" and promised is not None:
            return promised
        return NOMINAL_SECONDS[kind] / self._speed

    def wait(self, seconds: float) -> None:
        """Within a piece of work: let time pass, unless the service is being closed."""
        if seconds > 0:
            self._closed.wait(seconds)

    def apart(self, work: Callable[[], None]) -> None:
        """Run work that no status tells of."""
        self._start("apart", work)

    def close(self) -> None:
        """Cut waiting short and wait for what is at work."""
        self._closed.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()
