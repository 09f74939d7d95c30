"""What needs no server: keys, the fallback's windows, the breaker, denials, batches."""

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Lock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from tests.client.test_model import Pool
from vibewell_redis import Fallback, RateLimitItem, WindowStats, keys, memory, script
from vibewell_redis.asyncio import RateLimiter as TaskLimiter
from vibewell_redis.asyncio.storage import Batch, RedisStorage, Waiting
from vibewell_redis.deciding import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker
from vibewell_redis.fallback import Fallbacks, share
from vibewell_redis.keys import Plan, plan_of
from vibewell_redis.memory import MOST, Denials

TIERS = {name: RateLimitItem(name, 6, 60) for name in ("general", "auth", "mfa")}


def planned(*names: str, **identifiers: str) -> tuple[Plan, list[bytes]]:
    about = identifiers or {"user": "alice"}
    found = plan_of(TIERS, "rl", names, list(about))
    return found, found.where(about)


@pytest.mark.plan("5.5")
@given(st.integers(1, 1000), st.integers(1, 3600), st.integers(1, 1000))
def test_all_instances_together_admit_no_more_than_the_limit_on_the_average(
    requests: int, seconds: int, instances: int
) -> None:
    each, length = share(RateLimitItem("tier", requests, seconds), instances)
    assert each >= 1
    assert instances * each / length <= requests / seconds * (1 + 1e-9)


@given(
    st.lists(st.integers(0, 20_000_000), min_size=1, max_size=80),  # microseconds
    st.integers(1, 5),
    st.integers(1, 3),
)
@example([0, 30_000_000], 1, 1)  # a whole window apart
def test_no_window_here_exceeds_the_share(waits: list[int], requests: int, instances: int) -> None:
    item = RateLimitItem("tier", requests, 30)
    each, length = share(item, instances)
    windows, now = Fallbacks({"tier": item}, "local", instances), 0
    admitted: list[int] = []
    plan = plan_of({"tier": item}, "rl", ["tier"], ["user"])

    def decide(windows: Fallbacks, at: int, *, asks: bool) -> tuple[bool, WindowStats]:
        allowed, (window,) = windows.decide(plan, [b"key"], at / 1_000_000, asks=asks)
        return allowed, window

    for wait in waits:
        now += wait
        allowed, window = decide(windows, now, asks=False)
        assert allowed == (sum(at > now - length * 1_000_000 for at in admitted) < each)
        if allowed:
            admitted.append(now)
        else:
            # It says when: then there is room, and not before.
            free = now + round(window.reset_after * 1_000_000)
            for at, room in ((free - 1, False), (free, True)):
                assert decide(deepcopy(windows), at, asks=True)[0] is room


def test_in_memory_too_nothing_counts_when_one_of_several_denies() -> None:
    windows = Fallbacks(TIERS, "local", 1)
    for _ in range(6):
        assert windows.decide(*planned("mfa", user="alice"), 0.0, asks=False)[0]
    assert not windows.decide(*planned("mfa", user="alice", ip="::1"), 0.0, asks=False)[0]
    assert windows.decide(*planned("mfa", ip="::1"), 0.0, asks=True)[1][0].remaining == 6


def test_memory_forgets_the_key_that_is_longest_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vibewell_redis.memory.MOST_KEYS", 2)
    windows = memory.Logs()

    def hit(key: bytes) -> bool:
        return windows.decide([(key, 1, 60, 0)], asks=False)[0]

    assert [hit(b"a"), hit(b"b"), hit(b"a"), hit(b"c")] == [True, True, False, True]
    assert [hit(b"a"), hit(b"b")] == [False, True]


@pytest.mark.plan("5.5")
def test_each_tier_has_its_own_policy_and_one_that_is_left_out_is_local() -> None:
    fallbacks = Fallbacks(TIERS, {"general": Fallback.OPEN, "mfa": Fallback.CLOSED}, 1)

    def admitted(*names: str) -> int:
        known, where = planned(*names)
        return sum(fallbacks.decide(known, where, 0.0, asks=False)[0] for _ in range(10))

    assert admitted("general") == 10
    assert admitted("mfa") == 0
    # One closed tier closes the whole decision, and a local one does not count then.
    assert admitted("auth", "mfa") == 0
    assert admitted("general", "auth") == 6


def test_a_tier_may_have_another_name_than_its_item() -> None:
    tiers = {"login": RateLimitItem("auth", 6, 60)}
    known = plan_of(tiers, "rl", ["login"], ["user"])
    where = known.where({"user": "alice"})
    assert Fallbacks(tiers, {"login": "open"}, 1).decide(known, where, 0.0, asks=False)[0]


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    assert [breaker.failed(now) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    return breaker


def pause_before_the_next_trial(breaker: Breaker, now: float) -> float:
    began = now
    while not breaker.trial_is_due(now):
        now += 0.01
    return round(now - began, 1)


def test_a_trial_is_due_less_and_less_often_until_an_answer_closes_the_breaker() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        pauses.append(pause_before_the_next_trial(breaker, now))
        now += pauses[-1]
    assert pauses == [*(FIRST_PAUSE * 2**n for n in range(4)), *[LONGEST_PAUSE] * 4]
    breaker.succeeded()
    assert (breaker.is_open, breaker.trial_is_due(2000.0)) == (False, False)
    for _ in range(FAILURES):
        breaker.failed(3000.0)
    assert pause_before_the_next_trial(breaker, 3000.0) == FIRST_PAUSE


ITEM = RateLimitItem("mfa", 5, 60)


def full(seconds: float) -> WindowStats:
    return WindowStats(ITEM, "user", 0, seconds)


def test_a_full_window_is_known_until_its_reset_and_not_longer() -> None:
    denials = Denials()
    denials.remember([b"key"], [full(160.0)], 0.0)
    (known,) = denials.find([b"other", b"key"], 100.5)
    assert (known.remaining, known.reset_after, known.identifier) == (0, 59.5, "user")
    assert denials.find([b"key"], 159.999)
    assert denials.find([b"key"], 160.0) == ()
    assert denials.find([b"key"], 100.0) == ()


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    denials = Denials()
    for number in range(MOST + 10):
        denials.remember([b"%d" % number], [full(10.0)], 0.0)
    assert denials.find([b"9"], 0.0) == ()
    assert denials.find([b"10"], 0.0)
    assert denials.find([b"%d" % (MOST + 9)], 0.0)


def answer(clears: int) -> bytes:
    return script.reply_of(1).pack(1, script.MOST_CLEARS - clears, 0.0)


@pytest.mark.parametrize(
    ("reply", "asked_at", "is_kept"),
    [
        (answer(0), 1.0, True),
        (answer(1), 1.0, False),
        (None, 1.0, True),  # Redis is away
        # What was cleared meanwhile may be out of the window in which it shows.
        (answer(0), script.CLEAR_SECONDS + 0.1, False),
    ],
)
def test_denials_last_until_a_clear(reply: bytes | None, asked_at: float, is_kept: bool) -> None:
    denials = Denials()
    denials.remember([b"key"], [full(60.0)], 0.0)
    assert not denials.will_ask(0.4)
    assert denials.will_ask(asked_at)
    assert not denials.will_ask(asked_at + 0.4)  # another one does
    denials.learn(reply, asked_at)
    assert bool(denials.find([b"key"], asked_at)) is is_kept


async def test_an_answer_that_came_while_the_process_was_held_up_is_not_late() -> None:
    made = RedisStorage(Pool(), trial_key=b"trial")  # type: ignore[arg-type]
    future: Waiting = made.loop.create_future()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def read() -> None:
        future.set_result(await made.loop.sock_recv(ours, 9))

    with ours, theirs:
        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        batch = Batch(made.loop.time() + 0.02)
        batch.add([], b"", 0, future)
        made._wait_for(batch)  # noqa: SLF001
        theirs.sendall(b"answer")
        time.sleep(0.1)  # noqa: ASYNC251, RUF100 - the process is held up, the answer is there
        assert await asyncio.wait_for(future, 60) == b"answer"
        await reading
    assert not made.counts["late"]


def test_event_loops_in_threads_ask_the_policy_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter, busy = TaskLimiter(TIERS, None), Lock()

    def decide(*_: object, asks: bool) -> tuple[bool, tuple[WindowStats, ...]]:
        assert busy.acquire(blocking=False), "two threads are in its windows"
        time.sleep(0.02)
        busy.release()
        return not asks, ()

    monkeypatch.setattr(limiter._fallbacks, "decide", decide)  # noqa: SLF001
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(limiter._fallback_decides, *planned("mfa")) for _ in range(4)]  # noqa: SLF001
        assert all(one.result(60).allowed for one in asked)


VALUES = st.text(st.characters(codec=None), min_size=1, max_size=80)
HOSTILE = ["a b", "}{x}", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "\x00", "ü", "#abc", "x" * 5000, "\ud800"]


def key(tier: str, kind: str, value: str) -> bytes:
    return keys.stem("rl", RateLimitItem(tier, 5, 60), kind).encode() + keys.tail(value)


def test_a_plain_value_of_48_bytes_at_most_can_be_read_in_the_key() -> None:
    assert key("auth", "user", "alice@example.com") == b"{rl}:auth:user:alice@example.com"
    assert key("auth", "ip", "2001:db8::/64") == b"{rl}:auth:ip:2001:db8::/64"
    assert keys.tail("x" * 48) == b"x" * 48
    assert keys.tail("x" * 49).startswith(b"#")


@pytest.mark.plan("6.2")
@pytest.mark.parametrize("value", HOSTILE)
def test_any_other_value_is_replaced_by_a_digest_of_22_characters(value: str) -> None:
    tail = keys.tail(value)
    assert tail.startswith(b"#")
    assert len(tail) == 23
    assert not set(tail) - set(b"#ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.plan("5.5")
@given(VALUES)
def test_all_keys_of_a_prefix_lie_in_one_slot(value: str) -> None:
    slot = key_slot(b"{rl}")
    assert key_slot(key("auth", "user", value)) == slot
    assert key_slot(key("mfa", "ip", value)) == slot
    assert key_slot(keys.trial("rl")) == slot


@pytest.mark.parametrize("word", ["", "a}b", "User", "a:b", "a" * 33])
def test_a_kind_or_prefix_that_could_leave_its_place_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="becomes part of a key"):
        keys.stem("rl", RateLimitItem("auth", 5, 60), word)
    with pytest.raises(ValueError, match="becomes part of a key"):
        keys.stem(word, RateLimitItem("auth", 5, 60), "user")
