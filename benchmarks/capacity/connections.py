"""How many connections a busy limiter opens, and what one costs its server."""

from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from benchmarks.capacity.work import TOGETHER
from benchmarks.limiter.form import OURS
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, workers
from emulator.nodes.server import connect
from emulator.nodes.waiting import until

MANY = 200
FLOOD = 400  # tasks
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class Connections:
    """`opened` by the limiter of one process under a flood; bytes of one that is idle.

    `counted` are those in used_memory; `resident` is what the process grew by, TLS' buffers too,
    which no limit of Redis counts.
    """

    opened: int
    counted: float
    resident: float


def measure(server: Server) -> Connections:
    """On a server that nobody else uses."""
    until(lambda: not _clients(server), GONE_SECONDS, "the connections of others are gone")
    with workers([OURS], server, Limit(requests=100_000, deadline=30.0)) as (worker,):
        worker.ask("closed", scenario="headers", seconds=0.3, tasks=TOGETHER)
        worker.ask("closed", scenario="headers", seconds=0.3, tasks=FLOOD)
        opened = _clients(server)
    server.empty()
    counted, resident = _used(server), _resident(server)
    with ExitStack() as stack:
        for _ in range(MANY):
            login = {"ca_file": str(server.ca_file), "password": server.token}
            stack.enter_context(connect(server.host, server.port, **login)).ping()
        return Connections(
            opened,
            (_used(server) - counted) / MANY,
            (_resident(server) - resident) / MANY,
        )


def _clients(server: Server) -> int:
    """Those with the token: the trial's own connections have a user of their own."""
    found = server.process.control.client_list()
    return sum(client["user"] == "default" and client["flags"] != "S" for client in found)


def _used(server: Server) -> int:
    return int(server.process.info("memory")["used_memory"])


def _resident(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)
