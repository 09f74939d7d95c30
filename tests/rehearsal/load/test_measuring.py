"""What measures: the kernel's list of connections, the records, what a node holds."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from redis import Redis

from rehearsal.load.outcome import Key, answers, held
from rehearsal.load.plan import SHORT, Reader, Record
from rehearsal.load.sampling import Rate, busy_seconds, open_at


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
    first = Record(1, 2, 3, 4, 5, 6, 7, 200, 4, "redis")
    second = Record(8, 9, 0, 0, 0, 10, 11, 0, 0, "")
    path.write_bytes(first.pack() + second.pack()[:5])
    assert list(reader.news()) == [first]
    path.write_bytes(first.pack() + second.pack())
    assert list(reader.news()) == [second]
    assert list(reader.news()) == []


def test_a_source_that_nobody_knows_is_none() -> None:
    record = Record(1, 2, 3, 4, 5, 6, 7, 200, 0, "somebody")
    assert record.pack() == record._replace(source="").pack()


def test_an_answer_tells_the_applications_time_from_the_generators() -> None:
    s = 1_000_000_000
    told = Record(9 * s, 10 * s, 11 * s, s // 2, 13 * s, 17 * s, 0, 200, 0, "redis")
    silent = told._replace(began=0, limited=0, answered=0, status=0, source="")
    first, second = answers([told, silent], SHORT, begin=8.0)[::-1]
    assert (first.late, first.began, first.limited) == (1, 3, 0.5)
    assert (first.response, first.unread) == (3, 4)
    assert (second.response, second.unread) == (7, 0)


def test_what_a_node_holds_is_read_with_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, now = 500.0, 1_700_000_000_000_000
    clock = SimpleNamespace(monotonic=lambda: begin, time=lambda: now / 1_000_000)
    monkeypatch.setattr("rehearsal.load.outcome.time", clock)
    log = b"".join((at % 2**32).to_bytes(4, "big") for at in (now - 2_000_000, now, now + 30_000))
    node = Node({b"{rl}:auth:ip:2001:db8::": log, b"{rl}:trial": b"1", b"{rl}:a:b:c": b"12345"})
    found = held(cast(Redis, node), begin)
    assert list(found.times) == [Key("auth", "ip", "2001:db8::")]
    times = found.times[Key("auth", "ip", "2001:db8::")]
    for at, expected in zip(times, (-2.0, 0.0, 0.03), strict=True):
        assert abs(at - expected) < 0.001


def test_a_rate_is_the_growth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    rate, times = Rate(), iter([10.0, 10.5])
    monkeypatch.setattr("rehearsal.load.sampling.time.monotonic", lambda: next(times))
    assert [rate(100), rate(150)] == [0, 100]


def test_the_machine_is_busy_while_something_computes() -> None:
    before, began = busy_seconds(), time.process_time()
    while time.process_time() < began + 0.2:
        pass
    assert busy_seconds() - before > 0.15
