import random
from collections import deque
from collections.abc import Iterator

import pytest

from exactness import Admissions, Answer, judge

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
def test_an_exact_limiter_is_acquitted_and_any_other_is_found_out(seed: int) -> None:
    answers = exact(seed)
    verdict = judge(answers, LIMIT, WINDOW)
    assert (verdict.over_admission, verdict.denied_wrongly) == (0, 0)
    assert 0 < verdict.admitted < verdict.requests
    one_too_many = judge(exact(seed, limit=LIMIT + 1), LIMIT, WINDOW)
    assert (one_too_many.worst_limit, one_too_many.over_admission) == (LIMIT + 1, 1 / LIMIT)
    assert judge(exact(seed, window=WINDOW * 0.9), LIMIT, WINDOW).over_admission > 0
    too_long = judge(exact(seed, window=WINDOW * 1.2), LIMIT, WINDOW)
    assert too_long.denied_wrongly > 0
    assert too_long.over_admission == 0
    # One denial that nothing justifies, among many answers.
    last = max(answer.answered for answer in answers if answer.admitted)
    assert judge([*answers, at(last + WINDOW + 0.1, False)], LIMIT, WINDOW).denied_wrongly == 1


def test_a_request_is_in_the_window_until_all_of_it_has_passed() -> None:
    full = [at(0.0, True)] * LIMIT
    assert judge([*full, at(WINDOW, False)], LIMIT, WINDOW).denied_wrongly == 0
    assert judge([*full, at(WINDOW + 1e-6, False)], LIMIT, WINDOW).denied_wrongly == 1


def test_a_fixed_window_lets_twice_the_limit_through_at_its_edge() -> None:
    burst = [at(1.99, True)] * LIMIT + [at(2.01, True)] * LIMIT
    assert judge(burst, LIMIT, WINDOW).over_admission == 1


@pytest.mark.parametrize(
    ("sent", "answered", "least"),
    [
        ([], [], 0),
        ([0.0, 2.0], [0.0, 2.0], 1),
        ([0.0, 1.999], [0.0, 1.999], 2),
        # What is not known of a moment counts in the limiter's favour.
        ([0.0, 1.9], [0.1, 2.0], 1),
        ([0.0, 1.9], [0.1, 1.99], 2),
    ],
)
def test_how_long_a_window_is(sent: list[float], answered: list[float], least: int) -> None:
    assert Admissions(zip(sent, answered, strict=True)).least_limit(2.0) == least


def test_a_denial_needs_only_one_full_key() -> None:
    full = [at(0.0, True, "user")] * LIMIT
    assert judge([*full, at(1.0, False, "user", "ip")], LIMIT, WINDOW).denied_wrongly == 0
    assert judge([*full, at(1.0, False, "ip")], LIMIT, WINDOW).denied_wrongly == 1
