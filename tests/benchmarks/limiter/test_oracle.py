import random
from collections import deque
from collections.abc import Iterator

import pytest

from exactness import least_limit
from exactness.windows import Answer, judge

LIMIT, WINDOW = 20, 2.0
# Bursts of about twice the limit, and silences of about a window.
GAPS, WEIGHTS = (0.0, 0.001, 0.03, 0.2, WINDOW * 0.99), (20, 20, 20, 3, 1)


def moments(seed: int, requests: int = 1500) -> Iterator[tuple[float, float, float]]:
    """When requests were sent, decided and answered, the decisions in their order."""
    choose = random.Random(seed)  # noqa: S311 - traffic, no secret
    decided = 0.0
    for _ in range(requests):
        decided += choose.choices(GAPS, WEIGHTS)[0]
        yield decided - choose.uniform(0, 0.05), decided, decided + choose.uniform(0, 0.05)


def exact(seed: int, limit: int = LIMIT, window: float = WINDOW) -> list[Answer]:
    """What an exact limiter answers."""
    log: deque[float] = deque()
    answers = []
    for sent, decided, answered in moments(seed):
        while log and log[0] <= decided - window:
            log.popleft()
        admitted = len(log) < limit
        if admitted:
            log.append(decided)
        answers.append(Answer(("key",), sent, answered, admitted))
    return answers


def at(moment: float, admitted: bool, *keys: str) -> Answer:
    """A request that was decided at a moment that is known exactly."""
    return Answer(keys or ("key",), moment, moment, admitted)


@pytest.mark.parametrize("seed", range(20))
def test_an_exact_limiter_is_acquitted_whatever_its_latencies(seed: int) -> None:
    verdict = judge(exact(seed), LIMIT, WINDOW)
    assert (verdict.over_admission, verdict.denied_wrongly) == (0, 0)
    assert 0 < verdict.admitted < verdict.requests


@pytest.mark.parametrize("seed", range(20))
def test_a_limiter_that_admits_one_request_too_many_in_a_window_is_found_out(seed: int) -> None:
    verdict = judge(exact(seed, limit=LIMIT + 1), LIMIT, WINDOW)
    assert verdict.worst_limit == LIMIT + 1
    assert verdict.over_admission == 1 / LIMIT


@pytest.mark.parametrize("seed", range(20))
def test_a_limiter_whose_window_is_too_short_is_found_out(seed: int) -> None:
    assert judge(exact(seed, window=WINDOW * 0.9), LIMIT, WINDOW).over_admission > 0


@pytest.mark.parametrize("seed", range(20))
def test_a_limiter_whose_window_is_too_long_denies_wrongly(seed: int) -> None:
    verdict = judge(exact(seed, window=WINDOW * 1.2), LIMIT, WINDOW)
    assert verdict.denied_wrongly > 0
    assert verdict.over_admission == 0


@pytest.mark.parametrize("seed", range(20))
def test_one_denial_that_nothing_justifies_is_found_among_many_answers(seed: int) -> None:
    answers = exact(seed)
    last = max(answer.answered for answer in answers if answer.admitted)
    assert judge([*answers, at(last + WINDOW + 0.1, False)], LIMIT, WINDOW).denied_wrongly == 1


def test_a_request_is_in_the_window_until_all_of_it_has_passed() -> None:
    full = [at(0.0, True)] * LIMIT
    assert judge([*full, at(WINDOW, False)], LIMIT, WINDOW).denied_wrongly == 0
    assert judge([*full, at(WINDOW + 1e-6, False)], LIMIT, WINDOW).denied_wrongly == 1


def test_a_fixed_window_lets_twice_the_limit_through_at_its_edge() -> None:
    burst = [at(1.99, True)] * LIMIT + [at(2.01, True)] * LIMIT
    assert judge(burst, LIMIT, WINDOW).over_admission == 1


def test_a_window_is_as_long_as_it_says_and_no_longer() -> None:
    assert least_limit([0.0, 2.0], [0.0, 2.0], 2.0) == 1
    assert least_limit([0.0, 1.999], [0.0, 1.999], 2.0) == 2
    assert least_limit([], [], 2.0) == 0


def test_what_is_not_known_of_a_moment_counts_in_the_limiters_favour() -> None:
    # The first may have been decided at 0.0 and the second at 2.0.
    assert least_limit([0.0, 1.9], [0.1, 2.0], 2.0) == 1
    assert least_limit([0.0, 1.9], [0.1, 1.99], 2.0) == 2


def test_a_denial_needs_only_one_full_key() -> None:
    full = [at(0.0, True, "user")] * LIMIT
    assert judge([*full, at(1.0, False, "user", "ip")], LIMIT, WINDOW).denied_wrongly == 0
    assert judge([*full, at(1.0, False, "ip")], LIMIT, WINDOW).denied_wrongly == 1
