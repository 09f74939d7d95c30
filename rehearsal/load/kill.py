"""A node lost under load: its process is killed, and what became of the counts is read."""

from __future__ import annotations

import os
import signal
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from redis.exceptions import RedisError

from emulator.nodes.node import Node
from emulator.nodes.waiting import until
from rehearsal.load.context import Stage
from rehearsal.load.held import held
from rehearsal.load.outcome import Loss

_GONE = 30.0  # seconds
_WHOLE = 120.0  # seconds until the node is replaced
_LOOK_EVERY = 0.005  # seconds
_LOOKS = 1.0  # seconds before a kill


def lose_replica(stage: Stage, begin: float) -> Loss:
    """Kill one. Raises TimeoutError if the group does not mend itself."""
    node = next(one for one in stage.nodes if one is not stage.primary)
    return _lose(stage, node, begin, silence=0, mended=lambda: None)


def lose_primary(stage: Stage, begin: float, silence: float, promoted: Callable[[], None]) -> Loss:
    """Kill it while its stream is watched, and call `promoted` when there is another.

    It answers nobody for `silence` seconds before: a lost host is noticed only after a while.
    Raises TimeoutError if the group does not mend itself.
    """
    watch = Watch(stage.primary)
    watch.start()
    watch.wait(_LOOKS)
    loss = _lose(stage, stage.primary, begin, silence=silence, mended=promoted)
    watch.end()
    offset = int(stage.primary.server.info("replication")["second_repl_offset"]) - 1
    return replace(
        loss,
        replicated_until=watch.complete_until(offset, begin),
        bytes_behind=max(0, watch.last_offset - offset),
    )


def _lose(
    stage: Stage, node: Node, begin: float, *, silence: float, mended: Callable[[], None]
) -> Loss:
    server = node.server
    before = time.monotonic() - begin
    if silence:
        os.kill(server.pid, signal.SIGSTOP)
        threading.Event().wait(silence)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not server.alive, _GONE, f"{node.name} is gone")
    gone = time.monotonic() - begin
    until(lambda: stage.primary.alive, _GONE, "there is a primary")
    promoted = time.monotonic() - begin
    mended()
    with stage.connect(stage.primary) as primary:
        holding = held(primary, begin)
    until(lambda: stage.role(node) is not None, _WHOLE, f"{node.name} is replaced")
    return Loss(
        node=node.name,
        before=before,
        gone=gone,
        promoted=promoted,
        whole=time.monotonic() - begin,
        holding=holding,
        rejoined_as=stage.role(node),
    )


class Watch(threading.Thread):
    """Reads again and again how far a primary's replication stream has grown, until it dies."""

    def __init__(self, primary: Node) -> None:
        super().__init__(name="replication-watch", daemon=True)
        self._primary = primary
        self._seen: list[tuple[int, float]] = []
        self._over = threading.Event()

    @property
    def last_offset(self) -> int:
        """How far it had come when it was last seen, in bytes."""
        return self._seen[-1][0]

    def run(self) -> None:
        """Look until it is gone."""
        while not self._over.wait(_LOOK_EVERY):
            at = time.monotonic()
            try:
                offset = int(self._primary.server.info("replication")["master_repl_offset"])
            except (RedisError, OSError):
                return
            self._seen.append((offset, at))

    def wait(self, seconds: float) -> None:
        """Let it look that long."""
        self._over.wait(seconds)

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join(_GONE)

    def complete_until(self, offset: int, begin: float) -> float | None:
        """When the stream was last seen no longer than this; None if it always was.

        What had been written by then has arrived wherever the stream has come so far.
        """
        place = bisect_right(self._seen, (offset, float("inf")))
        return self._seen[place - 1][1] - begin if place else None
