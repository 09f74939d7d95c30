"""Each of the five lines passes on a sound run, and fails alone on what it is there for."""

from __future__ import annotations

from dataclasses import replace

from tests.trials.load import seeded
from tests.trials.load.limiters import FixedWindow
from trials.load.answer import Answer
from trials.load.held import Holding
from trials.load.judges import judge_all
from trials.load.outcome import Loss, Outcome

SOUND = seeded.outcome()


def failing(outcome: Outcome) -> set[int]:
    return {verdict.number for verdict in judge_all(outcome) if not verdict.passed}


def changed(change: dict[Answer, Answer]) -> Outcome:
    return replace(SOUND, answers=sorted(change.get(one, one) for one in SOUND.answers))


def held_without(loss: Loss, gone: Answer) -> Loss:
    """The same loss, but one admission less is held for its user."""
    user, _ = gone.keys
    times = [at for at in loss.holding.times[user] if not gone.sent <= at <= gone.received]
    assert len(times) == len(loss.holding.times[user]) - 1
    return replace(loss, holding=replace(loss.holding, times={**loss.holding.times, user: times}))


def last_admitted(before: float) -> Answer:
    return max(one for one in SOUND.answers if one.admitted and one.received < before)


def test_a_sound_run_passes_all_five() -> None:
    assert [(verdict.number, verdict.faults) for verdict in judge_all(SOUND)] == [
        (number, ()) for number in range(1, 6)
    ]


def test_a_connection_that_is_missing_once_fails_the_first_line() -> None:
    samples = list(SOUND.samples)
    samples[8] = replace(samples[8], connections=99)
    assert failing(replace(SOUND, samples=samples)) == {1}


def test_no_look_at_the_connections_fails_the_first_line() -> None:
    assert failing(replace(SOUND, samples=[])) == {1}


def test_users_that_ask_too_rarely_fail_the_first_line() -> None:
    plan = replace(SOUND.plan, think=0.1)
    assert failing(replace(SOUND, plan=plan)) == {1}


def test_a_request_that_fails_fails_the_first_line() -> None:
    one = next(one for one in SOUND.answers if one.denied)
    for status in (0, 404, 500, 503):
        assert failing(changed({one: one._replace(status=status)})) == {1}


def test_a_denial_by_the_fallback_is_no_failure() -> None:
    one = next(one for one in SOUND.answers if one.denied)
    assert failing(changed({one: one._replace(status=503, source="fallback")})) == set()


def test_a_fixed_window_fails_the_second_line() -> None:
    assert failing(seeded.outcome(FixedWindow)) == {2}


def test_one_denial_with_room_left_fails_the_second_line() -> None:
    ordinary = next(one for one in SOUND.answers if one.user == "user-70" and one.admitted)
    assert failing(changed({ordinary: ordinary._replace(status=429)})) == {2}


def test_a_tier_that_nobody_wanted_more_of_fails_the_second_line() -> None:
    asked = next(one for one in SOUND.answers if one.tier == "mfa" and one.admitted)
    answers = [one for one in SOUND.answers if one.tier != "mfa" or one is asked]
    assert failing(replace(SOUND, answers=answers)) == {2, 5}


def test_a_fallback_that_decides_while_redis_is_there_fails_the_second_line() -> None:
    late = [one for one in SOUND.answers if one.sent > 12]
    assert len(late) > 0.01 * len(SOUND.answers)
    assert 2 in failing(changed({one: one._replace(source="fallback") for one in late}))


def test_a_mean_of_fifty_milliseconds_fails_the_third_line() -> None:
    slow = {one: one._replace(received=one.sent + 0.05) for one in SOUND.answers}
    assert 3 in failing(changed(slow))
    barely = {one: one._replace(received=one.sent + 0.0499) for one in SOUND.answers}
    assert 3 not in failing(changed(barely))


def test_a_slow_start_before_all_users_are_there_is_not_the_peak() -> None:
    begin = SOUND.plan.all_there
    early = {one: one._replace(received=one.sent + 1) for one in SOUND.answers if one.sent < begin}
    assert len(early) > 100
    assert 3 not in failing(changed(early))


def test_a_count_that_goes_with_a_replica_fails_the_fourth_line() -> None:
    loss = held_without(SOUND.replica, last_admitted(before=seeded.REPLICA_LOST))
    assert failing(replace(SOUND, replica=loss)) == {4}


def test_a_count_that_had_reached_a_replica_and_is_lost_fails_the_fourth_line() -> None:
    loss = held_without(SOUND.primary, last_admitted(before=seeded.PRIMARY_LOST - 0.01))
    assert failing(replace(SOUND, primary=loss)) == {4}


def test_a_count_that_was_on_its_way_to_the_replica_may_be_lost() -> None:
    gone = last_admitted(before=seeded.PRIMARY_LOST)
    loss = replace(held_without(SOUND.primary, gone), replicated_until=gone.received - 0.001)
    assert failing(replace(SOUND, primary=loss)) == set()


def test_a_replica_that_was_never_in_step_fails_the_fourth_line() -> None:
    for since in (None, seeded.PRIMARY_LOST - 0.6):
        assert 4 in failing(replace(SOUND, primary=replace(SOUND.primary, replicated_until=since)))


def test_an_empty_node_fails_the_fourth_line() -> None:
    empty = Holding(9.02, 9.03, {})
    assert failing(replace(SOUND, primary=replace(SOUND.primary, holding=empty))) == {4}


def test_one_user_at_the_limit_who_would_be_admitted_fails_the_fifth_line() -> None:
    asked = list(SOUND.asked)
    place = next(place for place, one in enumerate(asked) if one.key.value == "late-auth")
    assert not asked[place].allowed
    asked[place] = replace(asked[place], allowed=True)
    assert failing(replace(SOUND, asked=asked)) == {5}


def test_a_memory_of_denials_is_no_proof_that_limits_survive() -> None:
    asked = [replace(one, source="memory") for one in SOUND.asked]
    assert failing(replace(SOUND, asked=asked)) == {5}


def test_instances_that_never_ask_redis_again_fail_the_fifth_line() -> None:
    one_instance = {
        one: one._replace(source="fallback")
        for one in SOUND.answers
        if one.sent > seeded.PRIMARY_LOST and one.instance == 1
    }
    assert 5 in failing(changed(one_instance))


def test_a_lost_node_that_does_not_come_back_as_a_replica_fails_the_fifth_line() -> None:
    for role in (None, "primary"):
        assert failing(replace(SOUND, primary=replace(SOUND.primary, rejoined_as=role))) == {5}
