"""A lost and a spoilt group come back for good, and the next deployment leaves them alone."""

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.restore import RestoreProof


@pytest.mark.plan("4.2", "8")
def test_a_group_comes_back_by_one_command_and_no_deployment_replaces_it(
    replaced: Rehearsal,
) -> None:
    proof = RestoreProof(keys=500)
    proof.begin(replaced)
    proof.refuses(replaced)
    assert "back after" in proof.group_lost(replaced)
    assert "the nodes are the same" in proof.deployed_again(replaced)
    assert "what was spoilt is in vibewell-redis-before-" in proof.data_spoilt(replaced)
    assert "an empty group serves" in proof.nothing_left(replaced)
