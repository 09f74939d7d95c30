"""What a client is told: the draft's fields, and the response to a refused request."""

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.asgi_server import read_list
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.headers import rate_limit_headers
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.refusals import refusal

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


@pytest.mark.plan("8")
def test_both_fields_tell_every_policy_and_what_is_left_of_it() -> None:
    headers = dict(rate_limit_headers(admitted(window(12, 7.2), window(29, 60.0, "ip"))))
    assert headers == {
        "RateLimit-Policy": '"auth-user";q=30;w=60, "auth-ip";q=30;w=60',
        "RateLimit": '"auth-user";r=12;t=8, "auth-ip";r=29;t=60',
    }


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


def test_nothing_is_said_of_a_window_that_nobody_knows() -> None:
    assert rate_limit_headers(admitted(source=Source.FALLBACK)) == []


@pytest.mark.plan("8")
def test_an_exhausted_limit_is_429_with_the_draft_s_problem_document() -> None:
    refused = refusal(denied(window(0, 7.2), window(12, 50, "ip")))
    headers = dict(refused.headers)
    assert refused.status == 429
    assert refusal(denied(window(0, 7.2), source=Source.MEMORY)).status == 429
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(refused.body))
    assert headers["Cache-Control"] == "no-store"
    assert headers["Retry-After"] == "8"
    assert json.loads(refused.body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Quota Exceeded",
        "status": 429,
        "detail": "More requests came than the limit allows. Try again in 8 seconds.",
        "violated-policies": ["auth-user"],
    }


@pytest.mark.plan("8")
def test_while_redis_is_away_a_denial_is_503_because_no_limit_is_known_to_be_exceeded() -> None:
    refused = refusal(denied(window(0, 1.0, item=FINANCIAL), source=Source.FALLBACK))
    problem = json.loads(refused.body)
    assert refused.status == problem["status"] == 503
    assert problem["type"].endswith("#temporary-reduced-capacity")
    assert problem["title"] == "Temporary Reduced Capacity"
    assert problem["violated-policies"] == ["financial-user"]
    assert dict(refused.headers)["Retry-After"] == "1"


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


def test_nobody_is_told_to_try_again_at_once() -> None:
    for windows in ((), (window(0, 0.0),)):
        assert dict(refusal(denied(*windows)).headers)["Retry-After"] == "1"


def test_an_admitted_request_is_never_refused() -> None:
    with pytest.raises(ValueError, match="the decision admits the request"):
        refusal(admitted(window(3, 1)))
