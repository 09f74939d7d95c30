"""A look at the machine every second, while the load runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

from emulator.nodes.node import Node
from rehearsal.load.connections import open_at
from rehearsal.load.context import Stage
from rehearsal.load.outcome import NodeLoad, Sample

_EVERY = 1.0  # seconds
_PATIENCE = 0.3  # seconds: a silent node must not hold the others up
MACHINE = "everything on the machine"
_TICKS = os.sysconf("SC_CLK_TCK")


class Sampler(threading.Thread):
    """`programs` are process ids by name. As a context it runs; `samples` grow meanwhile."""

    def __init__(
        self, begin: float, ports: list[int], programs: Mapping[str, int], stage: Stage
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self.samples: list[Sample] = []
        self._begin = begin
        self._ports = ports
        self._ever = set[tuple[int, int]]()
        self._programs = programs
        self._clients = [(node, stage.connect(node, _PATIENCE)) for node in stage.nodes]
        self._over = threading.Event()
        self._rates: dict[str, Rate] = {}

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End."""
        self._over.set()
        self.join(10 * _EVERY)
        for _, client in self._clients:
            client.close()

    def run(self) -> None:
        """Sample after sample."""
        due = time.monotonic()
        while not self._over.is_set():
            self.samples.append(self._look())
            due = max(due + _EVERY, time.monotonic())
            self._over.wait(due - time.monotonic())

    def _look(self) -> Sample:
        at = time.monotonic() - self._begin
        cores = {name: self._cores(name, pid) for name, pid in self._programs.items()}
        cores[MACHINE] = self._rate(MACHINE, busy_seconds)
        nodes = {}
        for node, client in self._clients:
            load = self._node(node, client)
            if load is not None:
                nodes[node.name] = load
        connected = {(port, remote) for port in self._ports for remote in open_at(port)}
        self._ever |= connected
        return Sample(at, len(connected), len(self._ever), cores, nodes)

    def _cores(self, name: str, pid: int) -> float:
        return self._rate(f"{name} {pid}", lambda: cpu_seconds(pid))

    def _node(self, node: Node, client: Redis) -> NodeLoad | None:
        if not node.alive:
            return None
        try:
            found = client.info("all")
        except (RedisError, OSError):
            return None
        pid = node.server.pid
        return NodeLoad(
            self._rate(f"commands {pid}", lambda: float(found["total_commands_processed"])),
            self._cores(node.name, pid),
            int(found["connected_clients"]),
        )

    def _rate(self, what: str, total: Callable[[], float]) -> float:
        return self._rates.setdefault(what, Rate())(total())


class Rate:
    """Growth a second of something that is counted; 0 the first time."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def __call__(self, total: float) -> float:
        """Since the last call."""
        now, last = time.monotonic(), self._last
        self._last = (now, total)
        return 0.0 if last is None else (total - last[1]) / (now - last[0])


def busy_seconds() -> float:
    """Processor time that all programs of the machine have used."""
    user, nice, system, _idle, _wait, *interrupts = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts[:2])) / _TICKS


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
