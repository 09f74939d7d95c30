"""What a client receives: the draft's fields, and the response to a refused request."""

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.asgi_server import read_list
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.headers import rate_limit_headers, refusal
from vibewell_redis.limits import RateLimitItem

AUTH = RateLimitItem.of("auth", 30, 60)
FINANCIAL = RateLimitItem.of("financial", 20, 60)


def admitted(*windows: WindowStats, source: Source = Source.REDIS) -> Decision:
    return Decision(True, windows, source)


def denied(*windows: WindowStats, source: Source = Source.REDIS) -> Decision:
    return Decision(False, windows, source)


def window(
    remaining: int, reset_after: float, identifier: str = "user", item: RateLimitItem = AUTH
) -> WindowStats:
    return WindowStats(item, identifier, remaining, reset_after)


some_windows = st.lists(
    st.builds(
        window,
        st.integers(0, 30),
        st.floats(0, 14 * 24 * 3600),
        st.sampled_from(["user", "ip", "api_key"]),
        st.sampled_from([AUTH, FINANCIAL]),
    ),
    min_size=1,
    max_size=6,
)


@given(some_windows)
def test_any_reader_of_structured_fields_reads_back_what_was_decided(
    windows: list[WindowStats],
) -> None:
    headers = dict(rate_limit_headers(admitted(*windows)))
    names = [f"{one.item.name}-{one.identifier}" for one in windows]
    assert read_list(headers["RateLimit-Policy"]) == [
        (name, {"q": one.item.requests, "w": one.item.seconds})
        for name, one in zip(names, windows, strict=True)
    ]
    assert read_list(headers["RateLimit"]) == [
        (name, {"r": one.remaining, "t": ceil(one.reset_after)})
        for name, one in zip(names, windows, strict=True)
    ]


def test_nothing_is_said_where_nothing_is_limited() -> None:
    assert rate_limit_headers(admitted(source=Source.DISABLED)) == []
    assert rate_limit_headers(admitted(window(3, 1), source=Source.DISABLED)) == []
    assert rate_limit_headers(admitted(source=Source.FALLBACK)) == []


@given(some_windows)
def test_retry_after_is_a_whole_number_and_never_earlier_than_any_t(
    windows: list[WindowStats],
) -> None:
    refused = refusal(denied(*windows, window(0, 0.2)))
    headers = dict(refused.headers)
    wait = int(headers["Retry-After"])
    shown = read_list(headers["RateLimit"])
    assert wait >= 1
    assert all(left["r"] == 0 and left["t"] <= wait for _, left in shown)
    assert {name for name, _ in shown} == set(json.loads(refused.body)["violated-policies"])
    # Not later than it must be either: the longest exhausted window, rounded up.
    assert wait == max(1, *(ceil(one.reset_after) for one in windows if not one.remaining), 1)


def test_no_refusal_says_try_again_at_once_and_none_is_made_of_an_admission() -> None:
    for windows in ((), (window(0, 0.0),)):
        assert dict(refusal(denied(*windows)).headers)["Retry-After"] == "1"
    with pytest.raises(ValueError, match="the decision admits the request"):
        refusal(admitted(window(3, 1)))
