"""A short proof on the deployed production, which is left as it was found."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery.steps import RecoveryProof
from tests.rehearsal.broken import breaking

Broken = Callable[[str, str, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def proof(deployed: Rehearsal) -> RecoveryProof:
    """One whose data and first snapshot are there."""
    begun = RecoveryProof(keys=1000)
    begun.begin(deployed)
    return begun


@pytest.fixture
def broken(deployed: Rehearsal) -> Broken:
    """Deploys the functions with a piece of one of their files replaced, as long as this lasts."""
    functions = [
        found["FunctionName"]
        for found in deployed.aws("lambda").list_functions()["Functions"]
        if "-recovery" in found["FunctionName"]
    ]
    change = breaking(deployed, "recovery", functions)
    return lambda file, old, new: change((f"recovery/{file}", old, new))
