"""A lost and a spoilt group come back for good, and the next deployment leaves them alone."""

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.restore import RestoreScenario


@pytest.mark.plan("4.2", "8")
def test_a_group_comes_back_by_one_command_and_no_deployment_replaces_it(
    replaced: Rehearsal,
) -> None:
    scenario = RestoreScenario(keys=500)
    scenario.begin(replaced)
    scenario.refuses(replaced)
    assert "back after" in scenario.group_lost(replaced)
    assert "the nodes are the same" in scenario.deployed_again(replaced)
    assert "what was spoilt is in vibewell-redis-before-" in scenario.data_spoilt(replaced)
    assert "an empty group serves" in scenario.nothing_left(replaced)
