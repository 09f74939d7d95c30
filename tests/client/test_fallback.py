from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibewell_redis import Fallback, RateLimitItem
from vibewell_redis.fallback import Fallbacks, LocalWindows, share
from vibewell_redis.plan import Plan, plan_of

TIERS = {name: RateLimitItem(name, 6, 60) for name in ("general", "auth", "mfa")}


def planned(*names: str) -> tuple[Plan, list[bytes]]:
    found = plan_of(TIERS, "rl", names, ["user"])
    return found, found.where({"user": "alice"})


@pytest.mark.plan("5.5")
@given(st.integers(1, 1000), st.integers(1, 3600), st.integers(1, 1000))
def test_all_instances_together_admit_no_more_than_the_limit_on_the_average(
    requests: int, seconds: int, instances: int
) -> None:
    each, length = share(RateLimitItem("tier", requests, seconds), instances)
    assert each >= 1
    assert instances * each / length <= requests / seconds * (1 + 1e-9)


def test_a_limit_smaller_than_the_number_of_instances_takes_longer_instead() -> None:
    assert share(RateLimitItem("mfa", 5, 60), 40) == (1, 480.0)
    assert share(RateLimitItem("general", 120, 60), 40) == (3, 60.0)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=80), st.integers(1, 5), st.integers(1, 3))
def test_no_window_in_memory_holds_more_than_the_share(
    waits: list[float], requests: int, instances: int
) -> None:
    item = RateLimitItem("tier", requests, 30)
    each, length = share(item, instances)
    windows, now = LocalWindows(instances), 0.0
    admitted: list[float] = []
    for wait in waits:
        now += wait
        allowed, (window,) = windows.decide([(b"key", item, "user")], now, asks=False)
        assert allowed == (sum(at > now - length for at in admitted) < each)
        if allowed:
            admitted.append(now)
        else:
            # It says when: then there is room, and not before.
            for moment, room in ((-1e-6, False), (1e-6, True)):
                later, at = deepcopy(windows), now + window.reset_after + moment
                assert later.decide([(b"key", item, "user")], at, asks=True)[0] is room


def test_in_memory_too_nothing_counts_when_one_of_several_denies() -> None:
    windows, item = LocalWindows(1), RateLimitItem("mfa", 2, 60)
    user, address = (b"user", item, "user"), (b"ip", item, "ip")
    assert windows.decide([user], 0.0, asks=False)[0]
    assert windows.decide([user], 0.0, asks=False)[0]
    assert not windows.decide([user, address], 0.0, asks=False)[0]
    assert windows.decide([address], 0.0, asks=True)[1][0].remaining == 2


def test_the_memory_is_bounded_and_the_one_longest_unused_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vibewell_redis.fallback.MOST_KEYS", 2)
    windows, item = LocalWindows(1), RateLimitItem("mfa", 1, 60)

    def hit(key: bytes) -> bool:
        return windows.decide([(key, item, "user")], 0.0, asks=False)[0]

    assert [hit(b"a"), hit(b"b"), hit(b"a"), hit(b"c")] == [True, True, False, True]
    assert [hit(b"a"), hit(b"b")] == [False, True]


@pytest.mark.plan("5.5")
def test_each_tier_has_its_own_policy_and_one_that_is_left_out_is_local() -> None:
    fallbacks = Fallbacks(TIERS, {"general": Fallback.OPEN, "mfa": Fallback.CLOSED}, 1)

    def admitted(*names: str) -> int:
        known, keys = planned(*names)
        return sum(fallbacks.decide(known, keys, 0.0, asks=False)[0] for _ in range(10))

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


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ({"mfaa": Fallback.OPEN}, "fallback: there is no tier 'mfaa'"),
        ("shut", "is no policy"),
    ],
)
def test_a_policy_for_nothing_or_of_no_kind_is_refused(policies: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Fallbacks(TIERS, policies, 1)  # type: ignore[arg-type]
