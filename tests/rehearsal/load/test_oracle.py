"""The oracle accepts an exact limiter and no other."""

from functools import partial

import pytest

from rehearsal.load.judges import Found, judge
from rehearsal.load.plan import Answer
from tests.rehearsal.load.seeded import Even, ExactLog, FixedWindow, Make, outcome

TIERS = {"mfa": (2, 3)}


def answer(sent: float, status: int = 200, *, took: float = 0.01, source: str = "redis") -> Answer:
    return Answer(sent, sent + took, "a user", "198.18.0.1", "mfa", status, source)


def mfa(*answers: Answer, unsure: frozenset[Answer] = frozenset()) -> Found:
    return judge(sorted(answers), TIERS, unsure)["mfa"]


def test_an_exact_limiter_is_found_exact_and_full_in_every_tier() -> None:
    run = outcome()
    for name, found in judge(run.answers, run.plan.tiers).items():
        requests, _ = run.plan.tiers[name]
        assert (found.over, found.under) == ([], []), name
        assert found.most == {"user": requests, "ip": requests}
        assert found.denied > 20


@pytest.mark.parametrize(
    ("make", "over", "under"),
    [
        (FixedWindow, True, None),
        (partial(ExactLog, more=1), True, False),
        (partial(ExactLog, more=-1), False, True),
        (Even, None, True),
    ],
)
def test_what_only_looks_like_a_sliding_window_is_seen_in_every_tier(
    make: Make, over: bool | None, under: bool | None
) -> None:
    run = outcome(make)
    for found in judge(run.answers, run.plan.tiers).values():
        assert over in (None, bool(found.over))
        assert under in (None, bool(found.under))


AWAY = answer(1.5, source="fallback")
NOT_ADMITTED = answer(1, 503, source="fallback")


@pytest.mark.parametrize(
    ("answers", "over", "under"),
    [
        # A third admission in the window is too many for the user and for the address.
        ((answer(0), answer(1), answer(2)), 2, 0),
        ((answer(0), answer(1), answer(3.0)), 0, 0),
        # A slow answer may have been decided early.
        ((answer(0), answer(1), answer(2, took=1.1)), 0, 0),
        ((answer(0), answer(1, 429)), 0, 1),
        ((answer(0), answer(0.5), answer(3.005, 429)), 0, 0),
        ((answer(0), answer(0.5), answer(3.1, 429)), 0, 1),
        # What the fallback decided is not judged, but may have been counted by Redis.
        ((answer(0), answer(1), AWAY), 0, 0),
        ((answer(1), AWAY, answer(2, 429)), 0, 0),
        ((answer(0), NOT_ADMITTED), 0, 0),
        ((answer(0), NOT_ADMITTED, answer(2, 429)), 0, 0),
        # So may a request without an answer.
        ((answer(0), answer(1, 0, source=""), answer(2, 429)), 0, 0),
    ],
)
def test_three_requests_of_two_in_three_seconds(
    answers: tuple[Answer, ...], over: int, under: int
) -> None:
    found = mfa(*answers)
    assert (len(found.over), len(found.under)) == (over, under)
    assert {(admitted, key.value) for admitted, key, _ in found.over} <= {
        *((3, "a user"), (3, "198.18.0.1"))
    }


def test_what_may_have_been_lost_is_not_held_against_the_limiter() -> None:
    lost = answer(1)
    assert not mfa(answer(0), lost, answer(2), unsure=frozenset({lost})).over
