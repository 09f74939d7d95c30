"""A creation that fails is repeated by one command, as often as it takes."""

from collections.abc import Iterator

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.states_proof.creation import FirstCreation


@pytest.fixture(scope="module")
def account() -> Iterator[Rehearsal]:
    """An account of its own: nothing is deployed in it."""
    rehearsal = Rehearsal()
    try:
        rehearsal.start()
        yield rehearsal
    finally:
        rehearsal.stop()


@pytest.mark.plan("2.4")
@pytest.mark.plan("8")
def test_a_first_creation_that_fails_is_repeated_once_its_cause_is_gone(account: Rehearsal) -> None:
    for _, step in FirstCreation().steps:
        found = step(account)
    assert found == "70 checks passed"
