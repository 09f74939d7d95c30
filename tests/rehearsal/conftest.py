"""Deployments of their own, for tests that would spoil the one that all share."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import production, started
from rehearsal.common.steps import follow
from rehearsal.stack_states import FIRST_CREATION


class Created(NamedTuple):
    """Production, deployed at the third attempt; ``found`` is what each step of the way found."""

    rehearsal: Rehearsal
    found: list[str]


@pytest.fixture(scope="session")
def created() -> Iterator[Created]:
    """Stacks that are deleted and made again, and in the end whatever the documents say."""
    with started() as rehearsal:
        yield Created(rehearsal, follow(rehearsal, FIRST_CREATION))


@pytest.fixture(scope="session")
def replaced() -> Iterator[Rehearsal]:
    """A group that is made again, which has another address here, and then another engine."""
    with production() as rehearsal:
        yield rehearsal
