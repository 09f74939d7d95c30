"""Each of the five lines passes on a sound run, and fails alone on what it is there for."""

from dataclasses import replace

from rehearsal.load.judges import judge_all
from rehearsal.load.outcome import Answer, Holding, Loss, Outcome
from rehearsal.load.sampling import MACHINE
from tests.rehearsal.load import seeded
from tests.rehearsal.load.limiters import FixedWindow

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


def answered_after(seconds: float, *, others: float = 0.0) -> Outcome:
    """The sound run with this response of the application, and so many cores used by others."""
    slow = changed({one: one._replace(answered=one.sent + seconds) for one in SOUND.answers})
    busy = [replace(one, cores={**one.cores, MACHINE: 0.12 + others}) for one in SOUND.samples]
    return replace(slow, samples=busy)


def test_the_third_line_wants_50_ms_and_25_of_a_quiet_machine() -> None:
    assert failing(answered_after(0.0249)) == set()
    assert failing(answered_after(0.025)) == {3}
    assert failing(answered_after(0.0499, others=1.0)) == set()
    assert failing(answered_after(0.05, others=1.0)) == {3}


def test_what_the_generator_is_late_by_is_told_apart_from_the_response() -> None:
    late = {one: one._replace(received=one.received + 1, late=0.5) for one in SOUND.answers}
    line = judge_all(changed(late))[2]
    assert line.passed
    for told in (
        "of which the limiter: mean 0.5,",
        "as the users saw it: mean 1002.0,",
        "generator (0.10 cores, the measuring 0.00): sent late by: mean 500.0,",
        "generator: read answers late by: mean 1000.2,",
    ):
        assert told in line.measured


def test_decisions_beyond_their_deadline_fail_the_third_line() -> None:
    late = {one: one._replace(limited=0.3) for one in SOUND.peak[: len(SOUND.peak) // 50]}
    assert failing(changed(late)) == {3}


def test_a_slow_start_before_all_users_are_there_is_not_the_peak() -> None:
    begin = SOUND.plan.all_there
    early = {one: one._replace(answered=one.sent + 1) for one in SOUND.answers if one.sent < begin}
    assert len(early) > 100
    assert 3 not in failing(changed(early))


def test_what_a_busy_machine_causes_is_no_fault() -> None:
    late = {one: one._replace(source="fallback") for one in SOUND.answers if one.sent > 12}
    few = [one for one in SOUND.answers if one.tier != "mfa"]
    for outcome in (
        replace(SOUND, samples=[]),
        replace(SOUND, plan=replace(SOUND.plan, think=0.1)),
        answered_after(0.06),
        changed(late),
        replace(SOUND, answers=few),
        replace(SOUND, primary=replace(SOUND.primary, replicated_until=None)),
    ):
        assert failing(outcome)
        assert [verdict.faults for verdict in judge_all(outcome)] == [()] * 5


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


def test_decisions_that_come_back_late_fail_the_fifth_line() -> None:
    gap = (seeded.PRIMARY_LOST, seeded.PROMOTED + 1)
    late = {
        one: one._replace(source="fallback")
        for one in SOUND.answers
        if gap[0] < one.sent < gap[1] and one.instance == 1
    }
    assert failing(changed(late)) == {5}


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
