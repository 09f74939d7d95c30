"""The limiter and the pool for threads."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from rehearsal.fixtures import Nodes
from vibewell_redis import RateLimiter, Settings, Source, connection_pool
from vibewell_redis.asyncio import RateLimiter as AsyncRateLimiter
from vibewell_redis.connection import RenewingConnection


@pytest.fixture
def limiter(settings: Callable[..., Settings]) -> Iterator[RateLimiter]:
    found = RateLimiter.from_settings(
        settings(), deadline=5.0, prefix=f"threads{os.urandom(4).hex()}"
    )
    assert found.connect()
    yield found
    found.close()


@pytest.mark.plan("5.5")
def test_the_verbs_are_those_of_asyncio(limiter: RateLimiter) -> None:
    assert limiter.test("mfa", user="alice")
    for left in reversed(range(5)):
        decision = limiter.hit("mfa", user="alice", ip="192.0.2.1")
        assert [window.remaining for window in decision.windows] == [left, left]
    assert not limiter.hit("mfa", user="alice")
    (window,) = limiter.get_window_stats("mfa", user="alice")
    assert window.remaining == 0
    assert limiter.counts == {("mfa", "allowed"): 5, ("mfa", "denied_from_memory"): 1}


@pytest.mark.plan("5.5")
def test_many_threads_get_exactly_the_limit(limiter: RateLimiter) -> None:
    with ThreadPoolExecutor(16) as threads:
        decisions = list(threads.map(lambda _: limiter.hit("general", user="alice"), range(400)))
    assert sum(decision.allowed for decision in decisions) == 120


def test_mistakes_of_the_caller_are_raised_in_the_callers_thread(limiter: RateLimiter) -> None:
    with pytest.raises(ValueError, match="there is no tier 'nope'"):
        limiter.hit("nope", user="alice")


def _in_a_child(limiter: RateLimiter, answers: "multiprocessing.Queue[tuple[str, int]]") -> None:
    decision = limiter.hit("mfa", user="alice")
    answers.put((decision.source, decision.windows[0].remaining))
    limiter.close()


def test_a_forked_process_has_connections_of_its_own(limiter: RateLimiter) -> None:
    assert limiter.hit("mfa", user="alice").windows[0].remaining == 4
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=_in_a_child, args=(limiter, answers))
    child.start()
    assert answers.get(timeout=120) == (Source.REDIS, 3)
    child.join(120)
    assert child.exitcode == 0
    assert limiter.hit("mfa", user="alice").windows[0].remaining == 2


def _first_in_a_child(
    limiter: RateLimiter, go_on: threading.Event, answers: "multiprocessing.Queue[str]"
) -> None:
    go_on.set()
    answers.put(limiter.hit("mfa", user="alice").source)
    limiter.close()


def test_a_process_that_is_forked_while_a_thread_starts_the_limiter_starts_its_own(
    settings: Callable[..., Settings],
) -> None:
    starting, go_on = threading.Event(), threading.Event()
    known, prefix = settings(), f"threads{os.urandom(4).hex()}"

    def make() -> AsyncRateLimiter:
        starting.set()
        assert go_on.wait(60)
        return AsyncRateLimiter.from_settings(known, deadline=5.0, prefix=prefix)

    limiter = RateLimiter(make)
    thread = threading.Thread(target=limiter.connect)
    thread.start()
    assert starting.wait(60)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=_first_in_a_child, args=(limiter, go_on, answers))
    child.start()
    try:
        assert answers.get(timeout=120) == Source.REDIS
    finally:
        child.kill()
        child.join()
        go_on.set()
        thread.join()
        limiter.close()


def ours() -> int:
    return sum(thread.name == "vibewell-redis" for thread in threading.enumerate())


def test_a_closed_limiter_starts_anew_with_the_next_decision(limiter: RateLimiter) -> None:
    assert limiter.hit("mfa", user="alice")
    threads = ours()
    limiter.close()
    assert ours() == threads - 1
    assert limiter.hit("mfa", user="alice").windows[0].remaining == 3


@pytest.mark.plan("5.4")
def test_threads_share_at_most_20_connections(
    settings: Callable[..., Settings], nodes: Nodes
) -> None:
    server = nodes.group.shards[0].primary.server
    before = len(server.control.client_list(_type="normal"))
    pool = connection_pool(settings())
    client = redis.Redis(connection_pool=pool)
    most = 0

    def work(number: int) -> None:
        nonlocal most
        for _ in range(3):
            client.set(f"threads:{number}", "1", ex=60)
            most = max(most, len(server.control.client_list(_type="normal")) - before)

    with ThreadPoolExecutor(40) as threads:
        list(threads.map(work, range(80)))
    pool.disconnect()
    # The rehearsal asks by connections of its own, which are counted with the rest.
    assert 10 < most <= 20 + 40


@pytest.mark.plan("5.4")
def test_connections_that_no_thread_uses_are_closed_one_after_the_other(
    settings: Callable[..., Settings], nodes: Nodes
) -> None:
    server = nodes.group.shards[0].primary.server

    def logins() -> set[str]:
        clients = server.control.client_list(_type="normal")
        return {one["id"] for one in clients if one["user"] == "default"}

    before = logins()
    pool = connection_pool(settings(REDIS_POOL_IDLE_SECONDS="1"))
    client = redis.Redis(connection_pool=pool)
    first, second = (pool.get_connection() for _ in range(2))  # type: ignore[no-untyped-call]
    assert len(logins() - before) == 2
    pool.release(first)
    pool.release(second)
    # As if it had come back later: the first is due before it.
    assert isinstance(second, RenewingConnection)
    second.released_at += 0.2
    deadline = time.monotonic() + 120
    while logins() - before:
        assert time.monotonic() < deadline, "an idle connection stays open"
        time.sleep(0.01)
    assert client.ping()
    pool.disconnect()
