"""A look at the machine and its connections every second, while the load runs."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

import psutil
from redis import Redis
from redis.exceptions import RedisError

from emulator.nodes.node import Node
from rehearsal.load.context import Stage
from rehearsal.load.outcome import NodeLoad, Sample

_SOCK_DIAG = 4  # the netlink family
_BY_FAMILY = 20
_REQUEST, _DUMP = 0x1, 0x300
_DONE, _ERROR = 3, 2
_OPEN = 1 << 1  # TCP_ESTABLISHED
_KERNEL_PATIENCE = 30.0  # seconds
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_PORTS = struct.Struct("!HH")
_ADDRESSES = bytes(4 * 4 * 2 + 4 + 8)  # any source, any destination, any interface, no cookie
_PORTS_AT = _HEADER.size + 4  # family, state, timer and retransmissions stand before them


def open_at(port: int) -> set[int]:
    """The remote ports of all connections that are open at this local port. Raises OSError."""
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _OPEN)
    body = asked + _PORTS.pack(port, 0) + _ADDRESSES
    header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST | _DUMP, 1, 0)
    found = set[int]()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(_KERNEL_PATIENCE)
        kernel.send(header + body)
        while _read(kernel.recv(1 << 16), found):
            pass
    return found


def _read(data: bytes, found: set[int]) -> bool:
    """Add what one datagram tells, and whether there is more."""
    at = 0
    while at < len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind == _DONE:
            return False
        if kind == _ERROR:
            raise OSError("the kernel does not tell which connections are open (sock_diag)")
        found.add(_PORTS.unpack_from(data, at + _PORTS_AT)[1])
        at += (length + 3) & ~3
    return True


_EVERY = 1.0  # seconds
_PATIENCE = 0.3  # seconds: a silent node must not hold the others up
MACHINE = "everything on the machine"


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

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self.join(10 * _EVERY)
        for _node, client in self._clients:
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
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used; 0 when it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
