"""Accounts that are not empty: preflight refuses before anything is created, then all goes well."""

import pytest

from rehearsal.common import commands, functions
from rehearsal.common.account import preflight, remedied
from rehearsal.common.run import started
from rehearsal.common.steps import DEPLOYED, deploy, follow

pytestmark = pytest.mark.plan("2.4")


@pytest.mark.parametrize(
    ("account", "deploys"),
    [
        ("lived-in", False),
        pytest.param("lived-in", True, marks=pytest.mark.long),
        pytest.param("new", True, marks=pytest.mark.long),
    ],
)
def test_what_is_in_the_way_is_refused_at_once_with_remedies_that_work(
    account: str, deploys: bool
) -> None:
    with started(account) as rehearsal:
        follow(rehearsal, DEPLOYED[:-1])
        assert "then" in remedied(rehearsal)
        if deploys:
            deploy(rehearsal)
            assert functions.check_health(rehearsal)
            # What is there now is this deployment's: nothing is in the way of the next one.
            assert preflight(rehearsal, passes=True).count("\n- ") == 2


@pytest.mark.long
def test_a_deployment_past_preflight_fails_in_the_lived_in_account() -> None:
    """Each refusal is one that the deployment would have met half way."""
    with started("lived-in") as rehearsal:
        follow(rehearsal, DEPLOYED[:-1])
        commands.printed(rehearsal, commands.deploy(rehearsal), fails=True)
