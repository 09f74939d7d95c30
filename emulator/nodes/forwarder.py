"""Addresses that stay the same while the nodes behind them change roles.

A TCP forwarder in a process of its own has those of all groups: this file, run as a program. Its
standard input is a socket. Each line there is an order in JSON:
{"listen": [host, port], "targets": [[host, port], ...]} opens an address or changes where its new
connections go, "targets": null closes it. Connections that are open stay where they are, as they
do in AWS when a name changes. Each order is answered with "ok" or the error. The process ends with
its input, hence with its parent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field

ANSWER_SECONDS = 10.0

Address = tuple[str, int]


class Forwarder:
    """Runs the forwarding process, which ends when this process does, however that comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", __file__], stdin=theirs.fileno(), start_new_session=True
            )
        self._line = ours
        self._answers = ours.makefile("r")

    def point(self, listen: Address, targets: list[Address] | None) -> None:
        """Send new connections to `listen` to these targets in turn. Raises OSError if taken.

        None stops listening there and cuts what is connected.
        """
        order = json.dumps({"listen": listen, "targets": targets}) + "\n"
        with self._lock:
            self._line.sendall(order.encode())
            answer = self._answers.readline().strip()
        if answer != "ok":
            raise OSError(answer or "the forwarder has ended")

    def stop(self) -> None:
        """End the process and every connection through it."""
        with self._lock:
            self._answers.close()
            self._line.close()
            self._process.wait(timeout=ANSWER_SECONDS)


# --- the process --------------------------------------------------------------------------------


@dataclass(eq=False)
class Listener:
    """One stable address: where it leads now, and the connections that it has made."""

    targets: list[Address] = field(default_factory=list)
    server: asyncio.Server | None = None
    turn: itertools.count[int] = field(default_factory=itertools.count)
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection to the next target, in a task that close() can cut."""
        task = asyncio.create_task(self.join(reader, writer))
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy both ways until either side ends; a target that refuses closes the connection."""
        try:
            host, port = self.targets[next(self.turn) % len(self.targets)]
            up, down = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        ways = [asyncio.create_task(copy(reader, down)), asyncio.create_task(copy(up, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            down.close()
            writer.close()

    def close(self) -> None:
        """Listen no more and cut every connection."""
        if self.server is not None:
            self.server.close()
        for task in self.open:
            task.cancel()


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends or either side breaks."""
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        return


async def obey(listeners: dict[Address, Listener], line: bytes) -> str:
    """Carry out one order and give its answer."""
    order = json.loads(line)
    host, port = order["listen"]
    if order["targets"] is None:
        closed = listeners.pop((host, port), None)
        if closed is not None:
            closed.close()
        return "ok"
    listener = listeners.setdefault((host, port), Listener())
    listener.targets = [(to, number) for to, number in order["targets"]]
    if listener.server is None:
        try:
            listener.server = await asyncio.start_server(listener.accept, host, port, backlog=1024)
        except OSError as error:
            del listeners[(host, port)]
            return f"{host}:{port}: {error.strerror}"
    return "ok"


async def main() -> None:
    """Obey orders until the input ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two for each connection
    orders, answers = await asyncio.open_connection(sock=socket.socket(fileno=sys.stdin.fileno()))
    listeners: dict[Address, Listener] = {}
    while line := await orders.readline():
        answers.write(f"{await obey(listeners, line)}\n".encode())
        await answers.drain()
    for listener in listeners.values():
        listener.close()


if __name__ == "__main__":
    asyncio.run(main())
