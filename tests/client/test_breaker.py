from vibewell_redis.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    assert [breaker.failed(now) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    return breaker


def test_failures_in_a_row_open_it_and_say_so_once() -> None:
    breaker = opened()
    assert breaker.is_open
    assert not breaker.failed(0.0)


def test_a_trial_is_due_after_a_pause_and_then_less_and_less_often() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        began = now
        while not breaker.trial_is_due(now):
            now += 0.01
        pauses.append(round(now - began, 1))
    assert pauses[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert set(pauses[4:]) == {LONGEST_PAUSE}


def test_an_answer_closes_it_and_the_next_outage_begins_with_the_short_pause() -> None:
    breaker = opened()
    for _ in range(5):
        breaker.trial_is_due(1000.0)
    breaker.succeeded()
    assert not breaker.is_open
    assert not breaker.trial_is_due(2000.0)
    for _ in range(FAILURES):
        breaker.failed(3000.0)
    assert not breaker.trial_is_due(3000.0)
    assert breaker.trial_is_due(3000.0 + FIRST_PAUSE)
