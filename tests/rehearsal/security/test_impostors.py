import sys

import pytest

from rehearsal.security import client
from rehearsal.security.target import BreachError, Target
from tests.rehearsal.security.conftest import Attack, Start

CARELESS = (sys.executable, "-m", "tests.rehearsal.security.careless_login")


@pytest.fixture
def target(start: Start, aim: Attack) -> Target:
    return aim(start())


@pytest.mark.parametrize(
    ("how", "breach"),
    [
        ("trusts everybody", "shows a foreign authority's"),
        ("looks at no name", "shows another address's"),
        ("has no calendar", "shows an expired one"),
        ("trusts nobody", "refuses a good certificate"),
        ("never comes", "never came"),
        ("falls over", "ended the application"),
    ],
)
def test_a_client_is_a_breach_that(target: Target, how: str, breach: str) -> None:
    with pytest.raises(BreachError, match=breach):
        client.impostors_refused(target, [*CARELESS, how])


def test_a_client_that_checks_everything_passes(target: Target) -> None:
    assert "no byte sent" in client.impostors_refused(target, [*CARELESS, "checks"])
