"""The three verbs on real nodes: what is decided, in how many round trips, and what is counted."""

import asyncio
import gc
import time
from typing import Any

import pytest

from tests.client.conftest import MakeSettings, Open, of_tasks, on_redis, storage_of
from vibewell_redis import RateLimiter as ThreadLimiter
from vibewell_redis import Settings, Source, WindowStats
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.asyncio.storage import MOST_DECISIONS
from vibewell_redis.headers import rate_limit_headers
from vibewell_redis.memory import ASK_SECONDS


@pytest.fixture
def settings(redis_or_memory: MakeSettings) -> MakeSettings:
    return redis_or_memory


@pytest.fixture
def kind(either: str) -> str:
    return either


@pytest.mark.plan("5.5")
async def test_a_tier_admits_exactly_its_limit_for_a_user(limiter: RateLimiter) -> None:
    for left in reversed(range(5)):
        decision = await limiter.hit("mfa", user="alice")
        assert decision
        assert decision.source is Source.REDIS
        (window,) = decision.windows
        assert (window.item.name, window.identifier, window.remaining) == ("mfa", "user", left)
        assert 30 < window.reset_after <= 60
    denied = await limiter.hit("mfa", user="alice")
    assert not denied
    assert 30 < denied.retry_after <= 60.001
    assert await limiter.hit("mfa", user="bob")


@pytest.mark.plan("5.5")
async def test_user_and_address_are_one_decision(limiter: RateLimiter) -> None:
    for _ in range(5):
        assert await limiter.hit("mfa", user="alice", ip="192.0.2.1")
    # Bob is denied for the address' sake, and none of it counts against him.
    assert not await limiter.hit("mfa", user="bob", ip="192.0.2.1")
    before = limiter.counts
    for _ in range(10):  # what only tests counts nothing
        assert await limiter.test("mfa", user="bob")
    (window,) = await limiter.get_window_stats("mfa", user="bob")
    assert (window.remaining, window.reset_after, limiter.counts) == (5, 0, before)
    assert await limiter.hit("mfa", user="bob", ip="192.0.2.2")


@pytest.mark.plan("5.5")
async def test_all_windows_of_a_tier_decide(settings: MakeSettings, open_limiter: Open) -> None:
    limiter = open_limiter(
        settings(RATE_LIMIT_TIERS="free, pro-plus", RATE_LIMIT_FREE="5,3600;2,1",
                 RATE_LIMIT_PRO_PLUS="9,60")
    )  # fmt: skip
    admitted = 0
    async with asyncio.timeout(60):
        while admitted < 5:
            decision = await limiter.hit("free", user="alice")
            admitted += decision.allowed
            full = [one.item.name for one in decision.windows if not one.remaining]
            if not decision:
                assert full == ["free"], "the hour denies nobody yet"
                await asyncio.sleep(decision.retry_after)
    denied = await limiter.hit("free", "pro-plus", user="alice")
    assert [one.item.name for one in denied.windows if not one.remaining][-1] == "free.3600"
    assert denied.retry_after > 3000
    assert '"free-user";q=2;w=1, "free.3600-user";q=5;w=3600' in dict(
        rate_limit_headers(await limiter.test("free", user="alice"))
    ).values()  # fmt: skip
    (pro,) = await limiter.get_window_stats("pro-plus", user="alice")
    assert (str(pro.item), pro.remaining) == ("9,60", 9)


@pytest.mark.plan("5.5")
async def test_all_share_a_limit(settings: MakeSettings, open_limiter: Open, prefix: str) -> None:
    instances = [open_limiter(settings(), prefix=prefix) for _ in range(4)]
    decisions = await asyncio.gather(
        *(instance.hit("financial", user="alice") for instance in instances for _ in range(20))
    )
    assert sum(decision.allowed for decision in decisions) == 20


@on_redis
@pytest.mark.parametrize(("number", "commands"), [(32, 1), (120, 2)], ids=["together", "halves"])
@of_tasks
async def test_waiting_decisions_travel_together_or_in_halves(
    limiter: RateLimiter, number: int, commands: int
) -> None:
    counts = storage_of(limiter).counts
    decisions = await asyncio.gather(
        *(limiter.hit("general", user=f"u{each}", ip="192.0.2.1") for each in range(number))
    )
    assert all(decisions)
    assert (counts["decisions"], counts["commands"]) == (number, commands)


@on_redis
@of_tasks
async def test_who_came_last_is_not_asked_for_first(limiter: RateLimiter) -> None:
    answered: list[int] = []

    async def ask(number: int) -> None:
        await limiter.hit("general", user=f"u{number}")
        answered.append(number)

    last = 4 * MOST_DECISIONS
    await asyncio.gather(*(ask(number) for number in range(last + 1)))
    # Two commands are on their way at a time, and either of them may be back first.
    assert answered.index(last) >= 3 * MOST_DECISIONS


@pytest.mark.plan("5.5")
async def test_a_flood_on_a_full_key_stays_here(
    limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine is too late to learn of a clear, and would ask Redis again.
    monkeypatch.setattr("vibewell_redis.script.CLEAR_SECONDS", 3600)
    counts = storage_of(limiter).counts
    for _ in range(5):
        await limiter.hit("mfa", user="alice")
    sent, began = counts["decisions"], time.monotonic()
    flood = await asyncio.gather(*(limiter.hit("mfa", user="alice") for _ in range(1000)))
    assert {(decision.allowed, decision.source) for decision in flood} == {(False, Source.MEMORY)}
    assert counts["decisions"] - sent <= 1 + (time.monotonic() - began) / ASK_SECONDS


@pytest.mark.plan("5.5")
async def test_what_is_cleared_is_given_back_in_every_process(
    settings: MakeSettings, open_limiter: Open, prefix: str
) -> None:
    here, there = (open_limiter(settings(), prefix=prefix) for _ in range(2))
    for _ in range(6):
        await here.hit("general", "mfa", user="alice", ip="192.0.2.1")
        await here.hit("mfa", user="bob")
    assert not await here.hit("mfa", user="alice")
    assert (await there.hit("mfa", user="alice")).source is Source.REDIS
    assert (await there.hit("mfa", user="alice")).source is Source.MEMORY
    assert await here.clear("mfa", user="alice")
    assert (await here.hit("mfa", user="alice")).windows[0].remaining == 4
    async with asyncio.timeout(20):
        while not (admitted := await there.hit("mfa", user="alice")):
            assert admitted.retry_after > 30  # it does not end by itself
            await asyncio.sleep(0.01)
    assert admitted.windows[0].remaining == 3
    # Nothing else was: another user, another tier, the address.
    assert not await here.hit("mfa", user="bob")
    assert not await here.hit("mfa", ip="192.0.2.1")
    (general,) = await here.get_window_stats("general", user="alice")
    assert general.remaining == 115


async def test_nothing_is_called_cleared_while_redis_is_away(open_limiter: Open) -> None:
    away = Settings.from_environment({"REDIS_URL": "redis://127.0.0.1:1"})
    assert await open_limiter(away, deadline=0.05).clear("mfa", user="alice") is False


async def test_it_is_closed_where_its_block_ends(settings: MakeSettings, prefix: str) -> None:
    async with RateLimiter.from_settings(settings(), prefix=prefix, deadline=30.0) as limiter:
        assert await limiter.hit("mfa", user="alice")
    with ThreadLimiter.from_settings(settings(), prefix=prefix, deadline=30.0) as threads:
        assert threads.hit("mfa", user="alice").windows[0].remaining == 3


@on_redis
@of_tasks
async def test_a_flood_from_the_first_request_asks_until_the_answer(limiter: RateLimiter) -> None:
    flood = await asyncio.gather(*(limiter.hit("mfa", user="alice") for _ in range(2000)))
    assert sum(decision.allowed for decision in flood) == 5
    assert storage_of(limiter).counts["decisions"] <= 4 * MOST_DECISIONS


@pytest.mark.plan("5.5")
@on_redis
@of_tasks
async def test_a_denial_that_ends_between_two_steps_is_redis_own(
    limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    denials, plan = storage_of(limiter).denials, limiter._plan(("mfa",), ("user",))  # noqa: SLF001
    keys, find = plan.where({"user": "alice"}), denials.find

    def find_once(*about: Any) -> tuple[WindowStats, ...]:
        found = find(*about)
        denials.full.clear()
        return found

    monkeypatch.setattr(denials, "find", find_once)
    hit = asyncio.create_task(limiter.hit("mfa", user="alice"))
    await asyncio.sleep(0)
    # Known after the first look, and over when the decision reads it.
    denials.remember(keys, [WindowStats(limiter.tiers["mfa"], "user", 0, 60.0)], time.monotonic())
    denied = await hit
    assert (denied.allowed, denied.source) == (False, Source.MEMORY)
    assert 0 < denied.retry_after <= 60


@on_redis
@of_tasks
async def test_what_was_cancelled_before_it_was_sent_is_not_counted(limiter: RateLimiter) -> None:
    task = asyncio.create_task(limiter.hit("mfa", user="alice"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (window,) = await limiter.get_window_stats("mfa", user="alice")
    assert window.remaining == 5


async def test_what_happened_is_counted_by_tier_and_outcome(limiter: RateLimiter) -> None:
    for _ in range(7):
        await limiter.hit("mfa", user="alice")
    await limiter.hit("general", user="alice")
    assert limiter.counts == {
        ("mfa", "allowed"): 5,
        ("mfa", "denied_from_memory"): 2,
        ("general", "allowed"): 1,
    }


@pytest.mark.parametrize(
    ("tiers", "identifiers", "said"),
    [
        (["mfaa"], {"user": "a"}, "there is no tier 'mfaa': write one of general, auth"),
        ([], {"user": "a"}, "name at least one tier"),
        (["mfa"], {}, "give at least one identifier"),
        (["mfa", "mfa"], {"user": "a"}, "a tier is named twice"),
        (["mfa"], {"user": ""}, "an identifier is empty"),
        (["mfa"], {"user": 42}, "of the type int: write a string"),
        (["mfa"], {"user": b"42"}, "of the type bytes: write a string"),
        (["mfa"], {"user": None}, "of the type NoneType: write a string"),
        (["mfa"], {"User": "a"}, "becomes part of a key"),
    ],
)
async def test_a_mistake_of_the_caller_is_explained(
    limiter: RateLimiter, tiers: list[str], identifiers: dict[str, str], said: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        await limiter.hit(*tiers, **identifiers)


@pytest.mark.filterwarnings("ignore:unclosed", "ignore:Exception ignored")  # a closed loop's own
def test_a_second_event_loop_has_connections_of_its_own(settings: MakeSettings) -> None:
    limiter = RateLimiter.from_settings(settings(), deadline=5.0, prefix="two_loops")

    async def use() -> tuple[Source, int]:
        decision = await limiter.hit("mfa", user="alice")
        return decision.source, decision.windows[0].remaining

    async def decided_in() -> object:
        await use()
        return limiter.storage

    assert [asyncio.run(use()) for _ in range(2)] == [(Source.REDIS, left) for left in (4, 3)]
    with asyncio.Runner() as one, asyncio.Runner() as other:
        storages = {id(runner.run(decided_in())) for runner in (one, other, one, other)}
        assert len(storages) == 2
        one.close()
        asyncio.run(use())
        # Those of the event loop that runs and of the last one: the others' are closed.
        assert len(limiter._storages) == 2  # noqa: SLF001
        other.run(limiter.aclose())
    assert limiter.storage is not None
    assert limiter.storage.counts["decisions"] == 7
    gc.collect()


@pytest.mark.plan("5.5")
async def test_a_limit_that_is_changed_holds_beside_processes_that_have_the_old_one(
    settings: MakeSettings, open_limiter: Open, prefix: str
) -> None:
    old, new, longer = (
        open_limiter(settings(RATE_LIMIT_GENERAL=limit), prefix=prefix)
        for limit in ("120,60", "60,60", "120,60;900,3600")
    )
    for _ in range(30):
        assert await old.hit("general", user="alice")
        assert await new.hit("general", user="alice")
    assert not await new.hit("general", user="alice")
    # A longer window that is added begins empty, and leaves the count of the shorter.
    windows = await longer.get_window_stats("general", user="alice")
    assert [one.remaining for one in windows] == [60, 900]
    admitted = [await old.hit("general", user="alice") for _ in range(70)]
    assert sum(decision.allowed for decision in admitted) == 60
    assert not await new.hit("general", user="alice")


@on_redis
def test_without_an_event_loop_it_says_what_to_use(settings: MakeSettings) -> None:
    hit = RateLimiter.from_settings(settings()).hit("mfa", user="alice")
    with pytest.raises(RuntimeError, match="needs a running asyncio event loop: in a thread"):
        hit.send(None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prefix": "Not a prefix"}, "becomes part of a key"),
        ({"deadline": 0}, "a deadline of 0 s"),
        ({"fallback": {"mfa": "shut"}}, "'shut' is no policy"),
        ({"fallback": {"mfaa": "open"}}, "fallback: there is no tier 'mfaa'"),
    ],
)
def test_mistakes_of_set_up_are_refused_where_it_is_made(
    settings: MakeSettings, options: dict[str, Any], said: str
) -> None:
    for kind in (RateLimiter, ThreadLimiter):
        with pytest.raises(ValueError, match=said):
            kind.from_settings(settings(), **options)


@pytest.mark.plan("2.4")
@on_redis
async def test_switched_off_everything_is_admitted_and_said_once(
    settings: MakeSettings, open_limiter: Open, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = open_limiter(settings(REDIS_ENABLED="false"))
    for _ in range(10):
        decision = await limiter.hit("mfa", user="alice")
        assert decision
        assert decision.source is Source.DISABLED
    assert await limiter.connect() is False
    assert limiter.counts == {("mfa", "disabled"): 10}
    assert [record.message for record in caplog.records] == [
        "REDIS_ENABLED is false: nothing is limited"
    ]


@on_redis
@of_tasks
@pytest.mark.parametrize("turns", range(6))
async def test_a_limiter_that_ends_answers_whoever_waits_however_far_it_is(
    settings: MakeSettings, open_limiter: Open, turns: int
) -> None:
    limiter = open_limiter(settings())
    waiting = asyncio.create_task(limiter.hit("general", user="alice"))
    for _ in range(turns):
        await asyncio.sleep(0)
    await limiter.aclose()
    assert (await asyncio.wait_for(waiting, 10)).allowed
