"""A short proof on the deployed production, which is left as it was found."""

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery import RecoveryProof
from tests.rehearsal.broken_build import Broken, broken_build


@pytest.fixture(scope="module")
def proof(deployed: Rehearsal) -> RecoveryProof:
    """One whose data and first snapshot are there."""
    begun = RecoveryProof(keys=1000)
    begun.begin(deployed)
    return begun


@pytest.fixture
def broken(deployed: Rehearsal) -> Broken:
    names = [one["FunctionName"] for one in deployed.aws("lambda").list_functions()["Functions"]]
    return broken_build(deployed, "recovery", [name for name in names if "-recovery" in name])
