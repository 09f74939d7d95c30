"""Accounts that are not empty: preflight refuses before anything is created, then all goes well."""

import pytest

from rehearsal.common import commands, functions
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED

pytestmark = pytest.mark.plan("2.4")


@pytest.mark.parametrize("account", ["lived-in", pytest.param("new", marks=pytest.mark.long)])
def test_what_is_in_the_way_is_refused_at_once_with_remedies_that_work(account: str) -> None:
    *before, (_, deploy) = DEPLOYED
    rehearsal = Rehearsal(account=account)
    try:
        rehearsal.start()
        for _, step in before:
            step(rehearsal)
        assert "then" in account.remedied(rehearsal)
        deploy(rehearsal)
        assert functions.check_health(rehearsal)
        # What is there now is this deployment's: nothing is in the way of the next one.
        assert account.preflight(rehearsal, passes=True).count("\n- ") == 2
    finally:
        rehearsal.stop()


@pytest.mark.long
def test_a_deployment_past_preflight_fails_in_the_lived_in_account() -> None:
    """Each refusal is one that the deployment would have met half way."""
    rehearsal = Rehearsal(account="lived-in")
    try:
        rehearsal.start()
        for _, step in DEPLOYED[:-1]:
            step(rehearsal)
        command = commands.deploy(rehearsal)
        assert commands.run(rehearsal, command).returncode != 0
    finally:
        rehearsal.stop()
