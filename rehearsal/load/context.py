"""The nodes of the load test, and a node lost: its process is killed."""

import os
import signal
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from emulator.bare_nodes import Nodes
from emulator.nodes.node import Node
from emulator.nodes.waiting import until
from rehearsal.load.outcome import Loss, held

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Stage:
    """A rehearsal's nodes, and a folder for what the run writes down."""

    given: Nodes
    folder: Path

    @property
    def nodes(self) -> list[Node]:
        """All of them, in the order of their names."""
        return self.given.group.shards[0].nodes

    @property
    def primary(self) -> Node:
        """The one that is it now."""
        return self.given.group.shards[0].primary

    def connect(self, node: Node, patience: float = _PATIENCE) -> Redis:
        """A client of one node, at its own address, that tries nothing twice; replies are bytes."""
        host, port = node.at
        return Redis(
            host=host,
            port=port,
            password=self.given.token,
            ssl=True,
            ssl_ca_certs=str(self.given.ca_file),
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )

    def role(self, node: Node) -> str | None:
        """Whether it is "primary" or "replica"; None for one that is gone, or not in step."""
        if not node.alive:
            return None
        link = node.server.info("replication").get("master_link_status", "up")
        if link != "up":
            return None
        return "primary" if node is self.primary else "replica"


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
