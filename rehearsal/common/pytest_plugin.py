"""Fixtures that give any test an embedded AWS, or production deployed on one, once a session."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rehearsal.common import steps
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED


@contextmanager
def started() -> Iterator[Rehearsal]:
    """A rehearsal of its own whose embedded AWS runs, as long as this lasts."""
    rehearsal = Rehearsal()
    try:
        rehearsal.start()
        yield rehearsal
    finally:
        rehearsal.stop()


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[Rehearsal]:
    """A rehearsal whose embedded AWS runs and whose account is empty."""
    with started() as rehearsal:
        yield rehearsal


@pytest.fixture(scope="session")
def deployed() -> Iterator[Rehearsal]:
    """A rehearsal in which production is deployed."""
    with production() as rehearsal:
        yield rehearsal
        # Whatever the tests made the functions do, AWS must allow it too.
        steps.judge(rehearsal)


@contextmanager
def production() -> Iterator[Rehearsal]:
    """A rehearsal of its own with production deployed, for tests that would spoil the session's."""
    with started() as rehearsal:
        for _, step in DEPLOYED:
            step(rehearsal)
        yield rehearsal
