"""The limiter and the pool for threads."""

import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
import redis

from emulator.clean_environment import run_command
from emulator.fixtures import Nodes
from tests.client.conftest import MakeSettings, on_redis, variables
from tests.client.test_pool import logins
from tests.support import ROOT
from vibewell_redis import RateLimiter, Source, connection_pool
from vibewell_redis.credentials import Token
from vibewell_redis.pool import RenewingConnection
from vibewell_redis.storage import ThreadStorage, _Waiter


@pytest.fixture
def limiter(redis_or_memory: MakeSettings, prefix: str) -> Iterator[RateLimiter]:
    found = RateLimiter.from_settings(redis_or_memory(), deadline=5.0, prefix=prefix)
    assert found.connect()
    yield found
    found.close()


def test_a_closed_limiter_begins_again_here_and_in_a_child(limiter: RateLimiter) -> None:
    assert limiter.hit("mfa", user="alice")
    assert not [one for one in threading.enumerate() if one.name == "vibewell-redis"]  # no need
    limiter.close()
    assert limiter.hit("mfa", user="alice").windows[0].remaining == 3
    limiter.close()
    with limiter._lock:  # noqa: SLF001 - as a thread of the parent's may hold it
        assert holds_in_a_child(lambda: not limiter.counts and bool(limiter.clear("mfa", user="x")))


def test_whoever_decides_while_it_is_closed_neither_waits_nor_fails(limiter: RateLimiter) -> None:
    longest, decided = time.monotonic() + 60, Counter[Source]()

    def goes_on() -> bool:
        return decided[Source.REDIS] <= 50 and time.monotonic() < longest

    def decide(number: int) -> None:
        while goes_on():
            decided[limiter.hit("general", user=f"{number}:{time.monotonic()}").source] += 1

    with ThreadPoolExecutor(9) as threads:
        asked = [threads.submit(decide, number) for number in range(8)]
        while goes_on():
            limiter.close()
            before = decided[Source.REDIS]
            while decided[Source.REDIS] < before + 5 and goes_on():
                time.sleep(0.001)
        for one in asked:
            one.result(timeout=30)
    assert decided[Source.REDIS] > 50


def holds_in_a_child(condition: Callable[[], bool]) -> bool:
    """No hook runs here that a server in C would leave out."""
    child = os.fork()
    if not child:
        os._exit(not condition())
    until = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    return ended == (child, 0)


@on_redis
def test_a_lock_that_was_held_at_a_fork_stops_nobody(limiter: RateLimiter) -> None:
    storage: Any = limiter.storage
    with storage._lock:  # noqa: SLF001 - as a thread of the parent's may hold it
        assert holds_in_a_child(lambda: limiter.hit("mfa", user="alice").source is Source.REDIS)
    assert limiter.hit("mfa", user="alice").windows[0].remaining == 3
    assert limiter.counts == {("mfa", "allowed"): 1}


@on_redis
def test_a_process_and_its_child_each_close_their_own_connection(limiter: RateLimiter) -> None:
    def decides() -> bool:
        return limiter.hit("general", user="alice").source is Source.REDIS

    def closes_its_own() -> bool:
        limiter.close()  # before its first decision, and after it
        decided = decides()
        limiter.close()
        return decided

    assert decides()
    storage: Any = limiter.storage
    wires = storage._wires.copy()  # noqa: SLF001
    assert holds_in_a_child(closes_its_own)
    assert decides()
    assert storage._wires == wires  # noqa: SLF001
    go_on, closed = os.pipe()

    def outlives_the_parents() -> bool:
        return decides() and bool(os.read(go_on, 1)) and decides()

    with ThreadPoolExecutor(1) as thread:
        child = thread.submit(holds_in_a_child, outlives_the_parents)
        limiter.close()
        os.write(closed, b"x")
        assert child.result(60)


def test_a_forked_process_closes_its_idle_connections_too(settings: MakeSettings) -> None:
    pool = connection_pool(settings())

    def has_a_timer() -> bool:
        pool.release(pool.get_connection())  # type: ignore[no-untyped-call]
        return pool._reaper is not None and pool._reaper.is_alive()  # noqa: SLF001

    assert has_a_timer()
    with pool._reapers:  # noqa: SLF001 - as a thread of the parent's may hold it
        assert holds_in_a_child(has_a_timer)
    pool.disconnect()


def test_a_token_that_is_fetched_slowly_keeps_no_decision_waiting(
    settings: MakeSettings, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = threading.Event()

    def fetch() -> str:
        assert known.wait(20)
        return nodes.token

    monkeypatch.setattr("vibewell_redis.pool.token_of", lambda _: Token(fetch))
    limiter = RateLimiter.from_settings(settings(), prefix="slow_token", fallback={"mfa": "closed"})
    for _ in range(5):
        began = time.monotonic()
        denied = limiter.hit("mfa", user="alice")
        assert (denied.allowed, denied.source) == (False, Source.FALLBACK)
        assert time.monotonic() - began < 1.0
    known.set()
    assert limiter.connect()
    assert limiter.hit("mfa", user="alice").source is Source.REDIS
    limiter.close()


def test_an_address_that_answers_nobody_is_given_up_when_it_starts(settings: MakeSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rediss://127.0.0.1:{silent.getsockname()[1]}"
        limiter = RateLimiter.from_settings(settings(REDIS_URL=url, REDIS_TIMEOUT="600000"))
        began, storage = time.monotonic(), cast("ThreadStorage", limiter.storage)
        assert storage.connect(0.2) is False
        assert limiter.hit("general", user="alice").source is Source.FALLBACK
        assert time.monotonic() - began < 60
        limiter.close()


def test_a_connection_that_is_lost_while_the_helper_ends_is_replaced(
    settings: MakeSettings, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = RateLimiter.from_settings(settings(), deadline=10.0)
    storage: Any = limiter.storage
    go_on, done = threading.Event(), storage._done  # noqa: SLF001

    def late() -> None:
        if threading.current_thread().name == "vibewell-redis":
            go_on.wait(60)
        done()

    monkeypatch.setattr(storage, "_done", late)
    prefix = os.urandom(4).hex()
    assert limiter.hit("general", user=f"{prefix}1").source is Source.REDIS
    nodes.group.shards[0].primary.server.call("client", "kill", "user", "default")
    with ThreadPoolExecutor(1) as thread:
        decision = thread.submit(limiter.hit, "general", user=f"{prefix}2")
        until = time.monotonic() + 60
        while not storage._queue and time.monotonic() < until:  # noqa: SLF001
            time.sleep(0.001)
        go_on.set()
        assert decision.result(60).source is Source.REDIS
    limiter.close()


def test_what_it_counts_may_be_read_while_it_counts(limiter: RateLimiter) -> None:
    until, wrong = time.monotonic() + 1, []

    def read() -> None:
        while time.monotonic() < until:
            try:
                assert limiter.storage is not None
                dict(limiter.counts), dict(limiter.storage.counts)
            except RuntimeError as problem:
                wrong.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    number = 0
    while time.monotonic() < until:
        number += 1
        limiter.test("general", **{f"kind{number}": "alice"})
    reader.join(10)
    assert not wrong


@pytest.mark.plan("5.4")
def test_threads_share_at_most_20_connections(settings: MakeSettings, nodes: Nodes) -> None:
    pool = connection_pool(settings())
    before, client, most = logins(nodes), redis.Redis(connection_pool=pool), 0
    with ThreadPoolExecutor(40) as threads:
        # Each holds its connection for two seconds, and the others wait for one.
        held = [threads.submit(client.blpop, ["nothing"], 2) for _ in range(40)]
        while not all(one.done() for one in held):
            most = max(most, logins(nodes) - before)
    assert not any(one.result() for one in held)
    pool.disconnect()
    assert most == 20


def test_idle_connections_have_one_timer_for_all_threads(settings: MakeSettings) -> None:
    pool = connection_pool(settings())
    before = set(threading.enumerate())  # other pools' timers too
    pool._idle_seconds = 0.05  # noqa: SLF001 - settings take whole seconds
    client = redis.Redis(connection_pool=pool)
    until, most = time.monotonic() + 1.5, 0

    def work() -> None:
        while time.monotonic() < until:
            client.ping()

    with ThreadPoolExecutor(10) as threads:
        for _ in range(10):
            threads.submit(work)
        while time.monotonic() < until:
            timers = {one for one in threading.enumerate() if isinstance(one, threading.Timer)}
            most = max(most, len(timers - before))
            time.sleep(0.01)
    pool.disconnect()
    # The one that has just started the next is there for a moment more.
    assert 1 <= most <= 2


def test_it_decides_while_the_interpreter_ends(settings: MakeSettings, nodes: Nodes) -> None:
    settings()
    program = """
import atexit, os
from vibewell_redis import RateLimiter, Settings
limiter = RateLimiter.from_settings(Settings.from_environment(os.environ))
atexit.register(lambda: print(limiter.hit("general", user="alice").allowed))
"""
    environment = os.environ | variables(nodes.primary_url, nodes.token)
    environment["PYTHONPATH"] = str(ROOT / "client")
    done = run_command([sys.executable, "-c", program], environment=environment, seconds=30)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@pytest.mark.plan("5.4")
def test_unused_connections_are_closed_one_by_one(settings: MakeSettings, nodes: Nodes) -> None:
    before = logins(nodes)
    pool = connection_pool(settings(REDIS_POOL_IDLE_SECONDS="1"))
    client = redis.Redis(connection_pool=pool)
    held = [pool.get_connection() for _ in range(3)]  # type: ignore[no-untyped-call]
    assert logins(nodes) - before == 3
    # As if they had come back one after the other, the last of them long after this test.
    for connection, later in zip(held, (0, 0.2, 600), strict=True):
        pool.release(connection)
        assert isinstance(connection, RenewingConnection)
        connection.released_at += later
    deadline = time.monotonic() + 120
    while logins(nodes) - before > 1:
        assert time.monotonic() < deadline, "an idle connection stays open"
        time.sleep(0.01)
    assert client.ping()
    pool.disconnect()


def test_a_connection_given_to_an_answered_waiter_is_not_lost(settings: MakeSettings) -> None:
    with RateLimiter.from_settings(settings(), deadline=30.0) as limiter:
        assert limiter.connect()
        assert limiter.hit("general", user="alice").source is Source.REDIS
        storage: Any = limiter.storage
        waiter = _Waiter([b"key"], b"", 1, time.monotonic() + 10).in_line()
        with storage._lock:  # noqa: SLF001 - as one failure does it: handed on, then given up
            wire = storage._idle.pop()  # noqa: SLF001
            storage._queue.append(waiter)  # noqa: SLF001
            storage._hand_on(wire)  # noqa: SLF001
            storage._give_up()  # noqa: SLF001
        storage._see_through(waiter, None)  # noqa: SLF001
        assert list(storage._idle) == [wire]  # noqa: SLF001
