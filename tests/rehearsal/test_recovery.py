"""A backup is restored, every failure is reported, and a broken build does not pass."""

import re
from collections.abc import Callable, Iterator

import pytest

from rehearsal.common.errors import RehearsalError, eventually
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery import (
    FAILURES,
    Backups,
    Breaking,
    RecoveryScenario,
    sentinel_altered,
    sentinel_missing,
)
from tests.rehearsal.broken_build import Broken, broken_build


@pytest.fixture(scope="module")
def scenario(deployed: Rehearsal) -> RecoveryScenario:
    """One whose data and first snapshot are there."""
    begun = RecoveryScenario(keys=1000)
    begun.begin(deployed)
    return begun


@pytest.fixture
def broken(deployed: Rehearsal) -> Broken:
    names = [one["FunctionName"] for one in deployed.aws("lambda").list_functions()["Functions"]]
    return broken_build(deployed, "recovery", [name for name in names if "-recovery" in name])


pytestmark = pytest.mark.plan("4.2")


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


@pytest.mark.plan("7.3")
def test_the_newest_snapshot_is_restored_verified_reported_and_removed(
    deployed: Rehearsal, scenario: RecoveryScenario
) -> None:
    said = scenario.passes(deployed)
    measured = re.match(r"first verified read after [\d.]+ s, ([\d,]+) keys", said)
    assert measured, said
    assert int(measured[1].replace(",", "")) >= 1032  # other tests leave keys, too


def test_a_verifier_that_was_idle_is_waited_for_and_kept_from_being_idle(
    deployed: Rehearsal, scenario: RecoveryScenario
) -> None:
    assert "ready at once" in scenario.idle(deployed)


@pytest.mark.parametrize(
    ("breaking", "says"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_every_failure_is_told_with_its_reason_and_leaves_nothing(
    deployed: Rehearsal, scenario: RecoveryScenario, breaking: Breaking, says: str
) -> None:
    assert says in scenario.fails(deployed, breaking=breaking, says=says)


def test_what_a_cancelled_test_leaves_is_swept_and_nothing_else(
    deployed: Rehearsal, scenario: RecoveryScenario
) -> None:
    said = scenario.cancelled(deployed)
    assert "vibewell-redis and vibewell-redis-recovery-mine, which is a person's, stay" in said


def test_no_token_of_a_restored_group_is_in_anything_emitted(
    deployed: Rehearsal, scenario: RecoveryScenario
) -> None:
    scenario.passes(deployed)
    assert "tokens are in none of" in scenario.secret(deployed)


@pytest.mark.parametrize(
    "breaking", [sentinel_missing, pytest.param(sentinel_altered, marks=pytest.mark.long)]
)
def test_a_verifier_that_looks_at_nothing_does_not_get_through(
    deployed: Rehearsal, scenario: RecoveryScenario, broken: Broken, breaking: Breaking
) -> None:
    with (
        broken(("recovery/verifier.py", "    if wrong:\n", "    if False:\n")),
        pytest.raises(RehearsalError, match="asked for 'FAILED', there is 'SUCCEEDED'"),
    ):
        scenario.fails(deployed, breaking=breaking, says="sentinels")


OWN = 'and described.startswith(f"{_described(source)} ")'
OLD = "and age(group, now) > settings.sweep_after"
OWNED = "if group is None or not run.owns(group):"
SHOWN = "from shared.notification import custom"
HIDDEN = 'custom = lambda title, text, steps: f"{title} {text}"'


@pytest.mark.parametrize(
    ("step", "piece", "found"),
    [
        pytest.param(
            RecoveryScenario.passes,
            ("restore.py", OWNED, "if True:"),
            "groups after a test",
            marks=pytest.mark.long,
            id="a group that is left behind",
        ),
        pytest.param(
            RecoveryScenario.cancelled,
            ("settings.py", OWN, ""),
            "leftovers: asked for 1, there is 2",
            marks=pytest.mark.long,
            id="a sweep by the name alone",
        ),
        pytest.param(
            RecoveryScenario.cancelled,
            ("restore.py", OLD, ""),
            "leftovers, young as it is",
            marks=pytest.mark.long,
            id="a sweep whatever the age",
        ),
        pytest.param(
            RecoveryScenario.passes,
            ("report.py", SHOWN, HIDDEN),
            "Slack does not show it",
            id="a report that Slack does not show",
        ),
    ],
)
def test_a_broken_build_does_not_get_through(
    deployed: Rehearsal,
    scenario: RecoveryScenario,
    broken: Broken,
    step: Callable[[RecoveryScenario, Rehearsal], str],
    piece: tuple[str, str, str],
    found: str,
) -> None:
    file, old, new = piece
    with broken((f"recovery/{file}", old, new)), pytest.raises(RehearsalError, match=found):
        step(scenario, deployed)


@pytest.mark.usefixtures("scenario")
def test_a_token_in_a_states_output_does_not_get_through(
    deployed: Rehearsal, broken: Broken
) -> None:
    made = "token_of(secret, run.group_id, run.execution)"
    leaking = RecoveryScenario(keys=0)
    leak = (
        "recovery/handler.py",
        '            return {"group": run.group_id}',
        "            from recovery.restore import token_of\n"
        f'            return {{"group": run.group_id, "token": {made}}}',
    )
    with broken(leak):
        leaking.passes(deployed)
    with pytest.raises(RehearsalError, match="a token is in:\n- history 0"):
        leaking.secret(deployed)
