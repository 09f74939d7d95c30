"""Fixtures that give any test an embedded AWS, or production deployed on one, once a session."""

from collections.abc import Iterator

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import ASSEMBLIES, started
from rehearsal.common.steps import DEPLOYED, judge


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[Rehearsal]:
    """A rehearsal whose embedded AWS runs and whose account is empty."""
    with started() as rehearsal:
        yield rehearsal


@pytest.fixture(scope="session")
def deployed() -> Iterator[Rehearsal]:
    """A rehearsal in which production is deployed, from what is really looked up."""
    with started() as rehearsal:
        rehearsal.cdk.assemblies = None
        for _, step in DEPLOYED:
            step(rehearsal)
        rehearsal.cdk.assemblies = ASSEMBLIES
        yield rehearsal
        # Whatever the tests made the functions do, AWS must allow it too.
        judge(rehearsal)
