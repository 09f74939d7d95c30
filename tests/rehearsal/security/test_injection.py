import sys

import pytest

from rehearsal.security import client
from rehearsal.security.target import BreachError, NotHereError, logged_in
from tests.rehearsal.security.conftest import Attack, Start

CARELESS = (sys.executable, "-m", "tests.rehearsal.security.careless_limiter")


@pytest.mark.parametrize(
    ("how", "breach"),
    [
        ("writes values into a command line", "never sends: .*flushall"),
        ("writes values into its own key's form", "was changed"),
        ("shortens values", "some share one"),
        ("has no hash tag", "of another form"),
        ("takes values as they are", "of another form"),
        ("believes that values are text", "ended the application"),
        ("looks for keys", "ended the application"),
        ("sends what Redis does not know", "an error: ERR"),
        ("counts twice", r"was counted \[2\] times"),
    ],
)
def test_a_limiter_is_a_breach_that(start: Start, aim: Attack, how: str, breach: str) -> None:
    with pytest.raises(BreachError, match=breach):
        client.harmless(aim(start()), [*CARELESS, how])


def test_an_endpoint_of_others_is_left_as_it_was(start: Start, aim: Attack) -> None:
    target = aim(start(), ours=False)
    with logged_in(target, target.primary) as wire:
        wire("SET", "theirs", "1")
        assert "other keys untouched" in client.harmless(target)
        _, keys = wire("SCAN", "0", "COUNT", "10000")
        assert wire("GET", "theirs") == "1"
        lives = {key: wire("PTTL", key) for key in keys if key != "theirs"}
    assert all(0 < milliseconds <= 67_501 for milliseconds in lives.values())
    assert all(key.startswith("{sectest_") for key in lives)


def test_it_takes_the_token(start: Start, aim: Attack) -> None:
    with pytest.raises(NotHereError, match="no token"):
        client.harmless(aim(start(), token=None))
