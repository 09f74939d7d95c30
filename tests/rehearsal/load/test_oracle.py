"""The oracle accepts an exact limiter and no other."""

from functools import partial

import pytest

from rehearsal.load.oracle import Found, judge, logs
from rehearsal.load.outcome import Answer
from tests.rehearsal.load.limiters import Bucket, ClockWindow, Even, ExactLog, FixedWindow, Make
from tests.rehearsal.load.seeded import outcome

TIERS = {"mfa": (2, 3)}


def answer(sent: float, status: int = 200, *, took: float = 0.01, source: str = "redis") -> Answer:
    return Answer(sent, sent + took, "a user", "198.18.0.1", "mfa", status, source)


def mfa(*answers: Answer, unsure: frozenset[Answer] = frozenset()) -> Found:
    return judge(sorted(answers), TIERS, unsure)["mfa"]


def found_of(make: Make) -> dict[str, Found]:
    run = outcome(make)
    return judge(run.answers, run.plan.tiers)


def test_an_exact_limiter_is_found_exact_and_full_in_every_tier() -> None:
    run = outcome()
    for name, found in judge(run.answers, run.plan.tiers).items():
        requests, _ = run.plan.tiers[name]
        assert (found.over, found.under) == ([], []), name
        assert found.most == {"user": requests, "ip": requests}
        assert found.denied > 20


@pytest.mark.parametrize("make", [FixedWindow, ClockWindow, Bucket])
def test_what_only_looks_like_a_sliding_window_admits_too_many_in_every_tier(make: Make) -> None:
    assert all(found.over for found in found_of(make).values())


def test_a_limit_that_is_one_too_high_is_seen_in_every_tier() -> None:
    for found in found_of(partial(ExactLog, more=1)).values():
        assert found.over
        assert not found.under


def test_a_limit_that_is_one_too_low_is_seen_in_every_tier() -> None:
    for found in found_of(partial(ExactLog, more=-1)).values():
        assert found.under
        assert not found.over


def test_a_limiter_that_spreads_requests_denies_wrongly_in_every_tier() -> None:
    assert all(found.under for found in found_of(Even).values())


def test_one_admission_too_many_is_seen() -> None:
    run = outcome()
    # In the late burst all are sent within milliseconds, and the window is full.
    late = next(one for one in run.answers if one.user == "late-admin" and one.denied)
    changed = [one._replace(status=200) if one is late else one for one in run.answers]
    (over,) = judge(changed, run.plan.tiers)["admin"].over
    assert over.key.value == "late-admin"
    assert over.admitted == 31


def test_a_third_admission_in_the_window_is_too_many() -> None:
    assert len(mfa(answer(0), answer(1), answer(2)).over) == 2  # the user's and the address's


def test_a_third_admission_after_the_window_is_none_too_many() -> None:
    assert not mfa(answer(0), answer(1), answer(3.0)).over


def test_a_slow_answer_that_may_have_been_decided_early_is_no_proof() -> None:
    assert not mfa(answer(0), answer(1), answer(2, took=1.1)).over


def test_a_denial_with_room_in_every_possible_window_is_wrong() -> None:
    assert len(mfa(answer(0), answer(1, 429)).under) == 1


def test_a_denial_while_the_window_was_full_is_right() -> None:
    assert not mfa(answer(0), answer(0.5), answer(3.005, 429)).under


def test_a_denial_after_the_oldest_has_left_is_wrong() -> None:
    assert len(mfa(answer(0), answer(0.5), answer(3.1, 429)).under) == 1


def test_what_the_fallback_admitted_is_neither_too_many_nor_a_reason_to_deny_less() -> None:
    away = answer(1.5, source="fallback")
    assert not mfa(answer(0), answer(1), away).over
    assert not mfa(answer(1), away, answer(2, 429)).under


def test_what_may_have_been_lost_is_not_held_against_the_limiter() -> None:
    lost = answer(1)
    assert not mfa(answer(0), lost, answer(2), unsure=frozenset({lost})).over


def test_a_denial_by_the_fallback_is_not_judged_but_may_have_been_counted_by_redis() -> None:
    away = answer(1, 503, source="fallback")
    assert not mfa(answer(0), away).under
    assert not mfa(answer(0), away, answer(2, 429)).under


def test_a_request_without_an_answer_may_have_been_counted() -> None:
    assert not mfa(answer(0), answer(1, 0, source=""), answer(2, 429)).under


def test_admissions_are_counted_by_user_and_by_address() -> None:
    by_key = logs([answer(0), answer(1)])
    assert {(key.kind, log.surely_in(0, 2)) for key, log in by_key.items()} == {
        ("user", 2),
        ("ip", 2),
    }
