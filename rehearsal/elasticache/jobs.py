"""What goes on behind a status: the work itself, and as long as AWS would take, compressed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from rehearsal.elasticache.state import ReplicationGroup, State

log = logging.getLogger(__name__)

# Seconds that AWS takes. A change of token took about 20 minutes in the field
# (robosystems#996), create and destroy 947 s (terraform-provider-aws#34460); others unverified.
NOMINAL_SECONDS = {
    "creating": 600.0,
    "modifying": 300.0,
    "rotating": 1200.0,
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
        """Give the group a status now and, when the work is done, make it available again.

        `done` then runs under the lock; after a failure the status is `failed` and an event says
        why.
        """
        group.status = status

        def job() -> None:
            started = time.monotonic()
            try:
                work()
            except Exception as error:
                log.exception("%s of %s failed", kind, group.id)
                message = f"{kind} failed: {error}"
                self._state.event("replication-group", group.id, message)
                with self._state.lock:
                    group.status = failed
                    group.token_status = None
                return
            rest = NOMINAL_SECONDS[kind] / self._speed - (time.monotonic() - started)
            if rest > 0:
                self._closed.wait(rest)
            with self._state.lock:
                group.status = "available"
                done()

        self._start(f"{kind}-{group.id}", job)

    def pause(self, kind: str) -> None:
        """Within a piece of work: what AWS takes longer for a part of it."""
        if self._speed < float("inf"):
            self._closed.wait(NOMINAL_SECONDS[kind] / self._speed)

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
