"""What every legal file synthesises is as it was reviewed, and as AWS and the packs allow it."""

import json
from pathlib import Path

import pytest

from environments.load import environment_names, load
from tests.live.comparison import SETTINGS, Reviewed, lost

# The same tests that the plan's templates pass, with the user's.
from tests.stacks.test_nothing_is_lost import (
    PINNED,
    identity,
    test_a_change_of_shards_never_replaces_the_group,
    test_every_resource_has_the_policy_that_is_written_down,
    test_what_is_kept_has_no_name_that_a_second_deployment_would_meet,
)
from tests.stacks.test_snapshots import PARTS, SNAPSHOTS, snapshot
from tests.stacks.test_topologies import findings
from tests.support import LIVE, PLAN, Document, Stacks
from tests.test_app import (
    test_every_stack_is_tagged_and_named_with_its_environment,
    test_no_template_carries_a_secret_or_an_integration_address,
    test_no_template_carries_cdks_dummies,
    test_what_watches_is_deployed_after_what_it_watches,
)

__all__ = [
    "test_a_change_of_shards_never_replaces_the_group",
    "test_every_resource_has_the_policy_that_is_written_down",
    "test_every_stack_is_tagged_and_named_with_its_environment",
    "test_no_template_carries_a_secret_or_an_integration_address",
    "test_no_template_carries_cdks_dummies",
    "test_what_is_kept_has_no_name_that_a_second_deployment_would_meet",
    "test_what_watches_is_deployed_after_what_it_watches",
]

NAMES = environment_names(LIVE)
each_environment = pytest.mark.parametrize("environment", NAMES)


@pytest.mark.parametrize("part", PARTS)
@each_environment
def test_the_template_is_the_one_that_was_reviewed(
    templates: Stacks, reviewed: Reviewed, environment: str, part: str
) -> None:
    name = f"vibewell-redis-{environment}-{part}"
    plan = SNAPSHOTS / f"{name}.json"
    reviewed.check(plan.name, snapshot(templates[name]), plan.read_text() if plan.exists() else "")


def pinned(stacks: Document, environment: str, folder: Path) -> Document:
    """With where it is: in another account or Region there is nothing yet that could be lost."""
    where = load(environment, folder).environment
    return {"account": where.account, "region": where.region, "stacks": stacks}


def text_of(pins: Document) -> str:
    return json.dumps(pins, indent=1, sort_keys=True) + "\n"


@each_environment
def test_no_stateful_resource_changes_its_identity(
    templates: Stacks, reviewed: Reviewed, environment: str
) -> None:
    """What an account of the user's has, `make snapshots` may add to, and no more."""
    name, plan = f"{environment}-pins.json", PINNED / f"{environment}.json"
    of_plan = (
        text_of(pinned(json.loads(plan.read_text()), environment, PLAN / "environments"))
        if plan.exists()
        else ""
    )
    found = pinned(identity(templates, environment), environment, LIVE)
    before = json.loads(reviewed.text(name, of_plan) or "{}")
    if gone := lost(before, found):
        pytest.fail(
            f"CloudFormation would replace or delete {', '.join(gone)}. If that is meant, say in "
            f"docs/reference/migrations.md how the data survives, delete "
            f"tests/live/reviewed/{name} and run make snapshots.",
            pytrace=False,
        )
    reviewed.check(name, text_of(found), of_plan)


def test_what_was_reviewed_is_of_environments_that_are_there(reviewed: Reviewed) -> None:
    templates = {f"vibewell-redis-{name}-{part}.json" for name in NAMES for part in PARTS}
    reviewed.only({SETTINGS, *templates, *(f"{name}-pins.json" for name in NAMES)})


@pytest.mark.slow
def test_cloudformations_schemas_accept_the_templates(templates: Stacks) -> None:
    assert not findings(templates)
