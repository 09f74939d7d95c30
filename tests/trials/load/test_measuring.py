"""What measures: the kernel's list of connections, the records, what a node holds."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from redis import Redis

from trials.load.answer import Key
from trials.load.connections import open_at
from trials.load.held import held
from trials.load.records import Reader, Record
from trials.load.sampling import Rate, busy_seconds


class Node:
    """Just what is read of a node."""

    def __init__(self, logs: dict[bytes, bytes]) -> None:
        self._logs = logs

    def scan_iter(self, match: str, count: int) -> list[bytes]:
        assert match == "{rl}:*"
        assert count
        return list(self._logs)

    def mget(self, names: list[bytes]) -> list[bytes | None]:
        return [self._logs.get(name) for name in names]


def test_the_kernel_lists_exactly_the_connections_that_are_open_at_a_port() -> None:
    with ExitStack() as context:
        server = context.enter_context(socket.create_server(("127.0.0.1", 0), backlog=400))
        port = server.getsockname()[1]
        assert open_at(port) == set()
        # More than the kernel tells in one datagram.
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for client in clients:
            context.enter_context(client)
        assert open_at(port) == {client.getsockname()[1] for client in clients}
        for _ in clients:
            context.enter_context(server.accept()[0])
        clients[0].shutdown(socket.SHUT_WR)
        clients[0].close()
        assert len(open_at(port)) == 299


def test_records_are_read_once_and_only_when_they_are_complete(tmp_path: Path) -> None:
    path = tmp_path / "records"
    reader = Reader(path)
    assert list(reader.news()) == []
    first, second = Record(1, 2, 3, 200, 4, "redis"), Record(5, 6, 7, 503, 0, "fallback")
    path.write_bytes(first.pack() + second.pack()[:5])
    assert list(reader.news()) == [first]
    path.write_bytes(first.pack() + second.pack())
    assert list(reader.news()) == [second]
    assert list(reader.news()) == []


def test_a_source_that_nobody_knows_is_none() -> None:
    assert Record(1, 2, 3, 200, 0, "somebody").pack() == Record(1, 2, 3, 200, 0, "").pack()


def test_what_a_node_holds_is_read_with_its_times() -> None:
    begin = time.monotonic()
    now = int(time.time() * 1_000_000)
    log = b"".join((at % 2**32).to_bytes(4, "big") for at in (now - 2_000_000, now, now + 30_000))
    node = Node({b"{rl}:auth:ip:2001:db8::": log, b"{rl}:trial": b"1", b"{rl}:a:b:c": b"12345"})
    found = held(cast(Redis, node), begin)
    assert list(found.times) == [Key("auth", "ip", "2001:db8::")]
    times = found.times[Key("auth", "ip", "2001:db8::")]
    for at, expected in zip(times, (-2.0, 0.0, 0.03), strict=True):
        assert abs(at - expected) < 0.01


def test_a_rate_is_the_growth_of_a_second() -> None:
    rate = Rate()
    assert rate(100) == 0
    began = time.monotonic()
    while time.monotonic() < began + 0.05:
        pass
    assert 800 < rate(150) <= 1000


def test_the_machine_is_busy_while_something_computes() -> None:
    before, began = busy_seconds(), time.process_time()
    while time.process_time() < began + 0.2:
        pass
    assert busy_seconds() - before > 0.15
