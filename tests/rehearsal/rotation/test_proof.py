"""The proof holds for the function as it is, and fails for one that locks clients out."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

import pytest

from rehearsal.checks.replication_group import described
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from rehearsal.rotation_proof.acts import Plan, RotationProof
from rehearsal.rotation_proof.function import Function, Times
from rehearsal.rotation_proof.secret import Secret
from rehearsal.rotation_proof.turn import Turn
from tests.rehearsal.aws.helpers import eventually
from tests.rehearsal.rotation.conftest import Broken, perform

TIMES = Times(client_cache=1, retire_after=3)
ONCE = Plan(rotations=1, clients=4, times=TIMES)

pytestmark = pytest.mark.usefixtures("function")


def test_no_command_of_any_client_fails_through_rotations_and_a_deployment_between_them(
    deployed: Rehearsal, retention_changed: Callable[[Rehearsal], str]
) -> None:
    def deploy(rehearsal: Rehearsal) -> str:
        before = _token_changed(rehearsal)
        said = retention_changed(rehearsal)
        assert _token_changed(rehearsal) > before, "CloudFormation did not send the token again"
        return said

    plan = Plan(rotations=2, clients=8, times=TIMES, deployments={1: ("deploy", deploy)})
    said = perform(RotationProof(plan), deployed)
    assert "the old token lives 24 h -> 3 s" in said
    assert "UPDATE_COMPLETE" in said
    assert "none of their commands failed" in said
    assert "3 tokens are in none of" in said


def test_a_function_that_retires_the_old_token_at_once_fails_the_proof(
    deployed: Rehearsal, broken: Broken
) -> None:
    waits = "    if now < since + after:\n"
    plan = Plan(rotations=1, clients=4, times=Times(client_cache=60, retire_after=120))
    with (
        broken("rotation/retirement.py", waits, "    if now < since:\n"),
        pytest.raises(RehearsalError, match=r"[1-9]\d* commands failed, .*AuthenticationError"),
    ):
        perform(RotationProof(plan), deployed)


def test_clients_that_never_read_the_secret_anew_fail_the_proof(deployed: Rehearsal) -> None:
    with pytest.raises(RehearsalError, match=r"[1-9]\d* commands failed, .*AuthenticationError"):
        perform(RotationProof(ONCE, client_cache=3600), deployed)


def test_a_function_that_says_that_it_retired_the_old_token_is_not_believed(
    deployed: Rehearsal, broken: Broken, secret: Secret
) -> None:
    asks = (
        "    if found.set_was_sent:\n"
        "        if _previous_is_refused(tools, found, current, group):\n"
    )
    try:
        with (
            broken("rotation/retirement.py", asks, "    if current:\n        if current:\n"),
            pytest.raises(RehearsalError, match="accepts the old token after its retirement"),
        ):
            perform(RotationProof(ONCE), deployed)
    finally:
        deployed.aws("elasticache").modify_replication_group(
            ReplicationGroupId=described(deployed)["ReplicationGroupId"],
            AuthToken=secret.current(),
            AuthTokenUpdateStrategy="SET",
            ApplyImmediately=True,
        )
        eventually(lambda: described(deployed)["Status"] == "available", "the group is available")


def test_a_deployment_before_the_old_token_is_retired_would_end_it_too_early(
    deployed: Rehearsal,
    secret: Secret,
    function: Function,
    turn: Turn,
    retention_changed: Callable[[Rehearsal], str],
) -> None:
    function.compress(TIMES)
    old = secret.current()
    turn.bring_in()
    turn.expect_accepted(old, True, "the old token, which clients still cache")
    assert retention_changed(deployed) == "UPDATE_COMPLETE"
    turn.expect_accepted(old, False, "the old token after the deployment")
    turn.expect_accepted(secret.current(), True, "AWSCURRENT's token")
    turn.retire()


def _token_changed(rehearsal: Rehearsal) -> datetime:
    return cast(datetime, described(rehearsal)["AuthTokenLastModifiedDate"])
