"""A lost and a spoilt group come back for good, and the next deployment leaves them alone."""

from collections.abc import Iterator

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED
from rehearsal.restore.steps import RestoreProof


@pytest.fixture(scope="module")
def lost() -> Iterator[Rehearsal]:
    """A deployment of its own: a group that is made anew has another address here."""
    rehearsal = Rehearsal()
    try:
        rehearsal.start()
        for _, step in DEPLOYED:
            step(rehearsal)
        yield rehearsal
    finally:
        rehearsal.stop()


@pytest.mark.plan("8")
@pytest.mark.plan("4.2")
def test_a_group_comes_back_by_one_command_and_no_deployment_replaces_it(lost: Rehearsal) -> None:
    proof = RestoreProof(keys=500)
    proof.begin(lost)
    proof.refuses(lost)
    assert "back after" in proof.group_lost(lost)
    assert "the nodes are the same" in proof.deployed_again(lost)
    assert "what was spoilt is in vibewell-redis-before-" in proof.data_spoilt(lost)
    assert "an empty group serves" in proof.nothing_left(lost)
