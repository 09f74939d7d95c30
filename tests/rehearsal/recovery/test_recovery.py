"""A backup is restored for real, every failure is told, and a broken build does not get through."""

import re
from collections.abc import Iterator

import pytest

from emulator.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery.backups import Backups
from rehearsal.recovery.failures import FAILURES, Breaking, sentinel_altered, sentinel_missing
from rehearsal.recovery.steps import RecoveryProof
from tests.emulator.aws.helpers import eventually
from tests.rehearsal.recovery.conftest import Broken


@pytest.fixture(autouse=True)
def _nothing_left(deployed: Rehearsal) -> Iterator[None]:
    """A broken build's groups are removed by hand, so that the next test begins clean."""
    yield
    backups = Backups(deployed)
    cache = deployed.aws("elasticache")

    def clean() -> bool:
        left = backups.groups() - {backups.group_id}
        for name in left:
            try:
                cache.delete_replication_group(ReplicationGroupId=name)
            except cache.exceptions.InvalidReplicationGroupStateFault:
                continue
        return not left

    eventually(clean, "the groups of broken builds removed")


@pytest.mark.plan("4.2", "7.3")
def test_the_newest_snapshot_is_restored_verified_reported_and_removed(
    deployed: Rehearsal, proof: RecoveryProof
) -> None:
    said = proof.passes(deployed)
    measured = re.match(r"first verified read after [\d.]+ s, ([\d,]+) keys", said)
    assert measured, said
    assert int(measured[1].replace(",", "")) >= 1032  # other tests leave keys, too


@pytest.mark.plan("4.2")
def test_a_verifier_that_was_idle_is_waited_for_and_kept_from_being_idle(
    deployed: Rehearsal, proof: RecoveryProof
) -> None:
    assert "ready at once" in proof.idle(deployed)


@pytest.mark.plan("4.2")
@pytest.mark.parametrize(
    ("breaking", "says"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_every_failure_is_told_with_its_reason_and_leaves_nothing(
    deployed: Rehearsal, proof: RecoveryProof, breaking: Breaking, says: str
) -> None:
    assert says in proof.fails(deployed, breaking=breaking, says=says)


@pytest.mark.plan("4.2")
def test_what_a_cancelled_test_leaves_is_swept_and_nothing_else(
    deployed: Rehearsal, proof: RecoveryProof
) -> None:
    said = proof.cancelled(deployed)
    assert "vibewell-redis and vibewell-redis-recovery-mine, which is a person's, stay" in said


@pytest.mark.plan("4.2")
def test_no_token_of_a_restored_group_is_in_anything_emitted(
    deployed: Rehearsal, proof: RecoveryProof
) -> None:
    proof.passes(deployed)
    assert "tokens are in none of" in proof.secret(deployed)


@pytest.mark.parametrize(
    "breaking", [sentinel_missing, pytest.param(sentinel_altered, marks=pytest.mark.long)]
)
def test_a_verifier_that_looks_at_nothing_does_not_get_through(
    deployed: Rehearsal, proof: RecoveryProof, broken: Broken, breaking: Breaking
) -> None:
    with (
        broken("verifier.py", "    if wrong:\n", "    if False:\n"),
        pytest.raises(RehearsalError, match="asked for 'FAILED', there is 'SUCCEEDED'"),
    ):
        proof.fails(deployed, breaking=breaking, says="sentinels")


@pytest.mark.long
def test_a_group_that_is_left_behind_does_not_get_through(
    deployed: Rehearsal, proof: RecoveryProof, broken: Broken
) -> None:
    with (
        broken("removal.py", "if group is None or not run.owns(group):", "if True:"),
        pytest.raises(RehearsalError, match="groups after a test"),
    ):
        proof.passes(deployed)


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        (
            "run.py",
            'and described.startswith(f"{_described(source)} ")',
            "",
            "leftovers: asked for 1, there is 2",
        ),
        (
            "removal.py",
            "and age(group, now) > settings.sweep_after",
            "",
            "leftovers, young as it is",
        ),
    ],
    ids=["by its name alone", "whatever its age"],
)
def test_a_sweep_that_takes_too_much_does_not_get_through(
    deployed: Rehearsal,
    proof: RecoveryProof,
    broken: Broken,
    file: str,
    old: str,
    new: str,
    found: str,
) -> None:
    with broken(file, old, new), pytest.raises(RehearsalError, match=found):
        proof.cancelled(deployed)


@pytest.mark.usefixtures("proof")
def test_a_token_in_a_states_output_does_not_get_through(
    deployed: Rehearsal, broken: Broken
) -> None:
    made = "token_of(secret, run.group_id, run.execution)"
    leaking = RecoveryProof(keys=0)
    with broken(
        "handler.py",
        '    return {"group": run.group_id}',
        "    from recovery.token import token_of\n"
        f'    return {{"group": run.group_id, "token": {made}}}',
    ):
        leaking.passes(deployed)
    with pytest.raises(RehearsalError, match="a token is in:\n- history 0"):
        leaking.secret(deployed)


def test_a_report_that_slack_does_not_show_does_not_get_through(
    deployed: Rehearsal, proof: RecoveryProof, broken: Broken
) -> None:
    with (
        broken(
            "report.py",
            "from shared.notification import custom",
            'custom = lambda title, text, steps: f"{title} {text}"',
        ),
        pytest.raises(RehearsalError, match="Slack does not show it"),
    ):
        proof.passes(deployed)
