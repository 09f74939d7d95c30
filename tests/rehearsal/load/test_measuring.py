"""What asks and what measures: the plan's clients, the kernel's connections, what a node holds."""

import socket
from collections import defaultdict
from contextlib import ExitStack
from itertools import takewhile
from types import SimpleNamespace
from typing import cast

import pytest
from redis import Redis

from emulator.clean_environment import run_command
from rehearsal.load.outcome import held
from rehearsal.load.plan import LATE, SHORT, Key, Order, clients, full, late
from rehearsal.load.run import PATHS, PYTHON, production_tiers
from rehearsal.load.sockets import open_at

FULL = full(production_tiers())


@pytest.mark.plan("6.1")
def test_the_full_load_is_5000_users_who_ask_more_than_900_times_per_second() -> None:
    assert len({client.number for client in clients(FULL)}) == FULL.users == 5000
    assert FULL.wanted_rate == 900
    assert set(FULL.tiers) == set(PATHS)
    assert FULL.tiers["financial"] == (20, 60)
    window = max(seconds for _, seconds in FULL.tiers.values())
    assert FULL.replica_lost - FULL.all_there > window
    assert FULL.end - FULL.primary_lost - FULL.silence > window


@pytest.mark.parametrize("kind", ["user", "ip"])
def test_those_that_share_a_limit_are_connected_to_different_instances(kind: str) -> None:
    numbers = defaultdict[str, list[int]](list)
    for client in clients(FULL):
        numbers[getattr(client, kind)].append(client.number)
    shared = [those for those in numbers.values() if len(those) > 1]
    assert len(shared) == {"user": 12, "ip": 6}[kind]
    assert all({number % 2 for number in those} == {0, 1} for those in shared)


def test_the_late_ask_for_more_than_the_limit_before_and_behind_a_windows_end() -> None:
    for tier, (requests, seconds) in FULL.tiers.items():
        group = [one for one in clients(FULL) if one.tier == tier and one.habit == LATE]
        asked = (takewhile(lambda at: at < FULL.end, late(one, FULL)) for one in group)
        times = sorted(at for each in asked for at in each)
        lost = FULL.primary_lost
        before = [at for at in times if lost - 0.1 * seconds < at < lost]
        behind = [at for at in times if lost < at < lost + 0.3 * seconds]
        assert min(len(before), len(behind)) >= 1.2 * requests
        assert times[0] <= before[0] - 0.8 * seconds


# Descriptor 2000 is out of select's range; nobody has written to it, so it is fit for use.
HELD = """
import os, socket
from gevent import monkey; monkey.patch_all()
from rehearsal.load.locustfile import is_idle
ours, theirs = socket.socketpair()
os.dup2(ours.fileno(), 2000)
high = socket.socket(fileno=2000)
print(is_idle(None, high))
theirs.close()
print(is_idle(None, high))
"""


def test_a_connection_beyond_the_thousandth_is_used_again_unless_the_server_has_closed_it() -> None:
    order = Order(SHORT, 0.0, [], PATHS, "")
    assert Order.of(order.text()) == order
    done = run_command(
        [str(PYTHON), "-c", HELD], environment={"LOAD": order.text(), "PYTHONPATH": "."}, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_the_kernel_lists_exactly_the_connections_that_are_open_at_a_port() -> None:
    with ExitStack() as context:
        server = context.enter_context(socket.create_server(("127.0.0.1", 0), backlog=400))
        port = server.getsockname()[1]
        assert open_at(port) == set()
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for client in opened:
            context.enter_context(client)
        # More than the kernel lists in one datagram.
        assert open_at(port) == {client.getsockname()[1] for client in opened}
        for _ in opened:
            context.enter_context(server.accept()[0])
        opened[0].close()
        assert len(open_at(port)) == 299


def test_what_a_node_holds_is_read_with_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, now = 500.0, 1_700_000_000_000_000
    clock = SimpleNamespace(monotonic=lambda: begin, time=lambda: now / 1_000_000)
    monkeypatch.setattr("rehearsal.load.outcome.time", clock)
    log = b"".join((at % 2**32).to_bytes(4, "big") for at in (now - 2_000_000, now, now + 30_000))
    logs = {b"{rl}:auth:ip:2001:db8::": log, b"{rl}:trial": b"1", b"{rl}:a:b:c": b"12345"}
    # Just what is read of a node.
    node = SimpleNamespace(scan_iter=lambda **_: list(logs), mget=lambda n: [*map(logs.get, n)])
    ((key, times),) = held(cast(Redis, node), begin).times.items()
    assert key == Key("auth", "ip", "2001:db8::")
    assert times == pytest.approx([-2.0, 0.0, 0.03], abs=0.001)
