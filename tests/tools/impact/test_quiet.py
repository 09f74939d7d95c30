"""Ordinary work on our own templates: none of it asks, and each path has its reason."""

from pathlib import Path

import pytest

from tests.support import Document, Stacks
from tests.tools.impact.oracle import Facts
from tests.tools.impact.test_asks import (
    SCHEDULE,
    alarm,
    counting,
    graphs,
    measured,
    setting,
    with_widget,
)
from tests.tools.impact.world import (
    ALARM,
    FUNCTION,
    GROUP,
    ROLE,
    SECRET,
    TOPIC,
    Change,
    World,
    judged,
    with_code,
)
from tools.impact.acknowledged import What
from tools.impact.harmless import PLAIN_CODE

SENSITIVE = {
    "elasticache:DeleteReplicationGroup",
    "elasticache:ModifyReplicationGroup",
    "kms:ScheduleKeyDeletion",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
}

DESCRIBED = {
    ALARM: "AlarmDescription",
    GROUP: "ReplicationGroupDescription",
    **dict.fromkeys(
        (FUNCTION, ROLE, SECRET, SCHEDULE, "AWS::KMS::Key", "AWS::SSM::Parameter"), "Description"
    ),
}


def descriptions(world: World) -> None:
    for stack in world.stacks.values():
        stack.body["Description"] = "Other words"
    for kind, name in DESCRIBED.items():
        for _, _, body in world.resources(kind):
            body["Properties"][name] = "Other words"


def counted(world: World, count: int = 1) -> None:
    """An alarm more, with what reads the list of alarms."""
    measured(warning=1, metrics=["Evictions"])(world)
    counting(f'"more-warning": {count}')(world)


def tags(world: World) -> None:
    for kind in (GROUP, SECRET, TOPIC, FUNCTION):
        owner = {"Key": "cost-centre", "Value": "42"}
        world.of(kind).setdefault("Tags", []).append(owner)


def metadata(world: World) -> None:
    world.where(GROUP)[2]["Metadata"] = {"aws:cdk:path": "somewhere"}


QUIET: dict[str, Change] = {
    "documentation": lambda _world: None,
    "descriptions": descriptions,
    "a new alarm": alarm(Threshold=1, AlarmName="vibewell-redis-production-more"),
    "a new alarm and what counts it": counted,
    "a widget": with_widget(type="text", x=0, y=99, properties={"markdown": "Read me"}),
    "titles of graphs": graphs(title="Other words"),
    "longer logs": setting("AWS::Logs::LogGroup", "RetentionInDays", 365),
    "tags": tags,
    "CDK's metadata": metadata,
}


@pytest.mark.parametrize("name", QUIET)
def test_ordinary_work_is_not_asked_about(production_stacks: Stacks, name: str) -> None:
    impact = judged(production_stacks, QUIET[name])
    assert impact.passes, [(one.name, one.leaves) for one in impact.open]
    assert bool(impact.harmless) is (name != "documentation")


def test_a_count_that_is_not_the_alarms_asks(production_stacks: Stacks) -> None:
    impact = judged(production_stacks, lambda world: counted(world, 2))
    assert [one.name for one in impact.open] == ["function health"]


@pytest.mark.parametrize(
    ("function", "files"),
    [
        ("-events", {"events/handler.py": "new", "shared/line.py": "new"}),
        ("review-watch", {"reviews/watch.py": "new", "redis/client.py": "a new version"}),
    ],
)
def test_other_code_and_its_dependencies_are_ordinary(
    production_stacks: Stacks, tmp_path: Path, function: str, files: dict[str, str]
) -> None:
    impact = judged(production_stacks, with_code(tmp_path, function, files))
    assert impact.passes, impact.questions
    assert "reads no token" in impact.harmless[0][2]


@pytest.mark.parametrize(
    ("function", "changed"),
    [
        ("production-rotation", "rotation/handler.py"),
        ("production-recovery", "recovery/handler.py"),
        ("production-recovery-keeper", "recovery/keeper.py"),
        ("production-health", "health/handler.py"),
        ("production-health-login", "health/inside.py"),
    ],
)
def test_code_that_reads_the_token_or_changes_data_asks_and_names_its_files(
    production_stacks: Stacks, tmp_path: Path, function: str, changed: str
) -> None:
    first = judged(production_stacks, with_code(tmp_path, function, {changed: "new"}))
    (asked,) = first.open
    assert asked.what is What.CHANGE
    assert asked.effects == [f"changed files: {changed}"]
    again = judged(production_stacks, with_code(tmp_path, function, {changed: "newer"}))
    assert again.open[0].difference != asked.difference, "it is bound to the package's content"


def test_a_package_without_the_handler_asks(production_stacks: Stacks, tmp_path: Path) -> None:
    gone = with_code(tmp_path, "-events", {"events/handler.py": None})
    (asked,) = judged(production_stacks, gone).open
    assert "its package has no events/handler.py" in asked.effects[0]


def test_the_code_that_is_ordinary_has_no_right_on_the_token_or_the_data(
    production_stacks: Stacks, context: Document
) -> None:
    """A grant of one would make its next change of code ask: this fails until the list does."""
    facts = Facts(production_stacks, context)
    rights: dict[str, set[str]] = {}
    for function in facts.deployment.of_kind(FUNCTION):
        role = facts.deployment.get(function, "Role")
        held = {action for who, action, _ in facts.allowed if who == role}
        package = function.raw["Handler"].split(".")[0]
        rights.setdefault(package, set()).update(held & SENSITIVE)
    assert {package for package, held in rights.items() if not held} == PLAIN_CODE


def test_what_the_health_check_says_of_an_existing_alarm_asks(production_stacks: Stacks) -> None:
    """The scaling of a group changes it too, and is asked about once, by the group."""

    def scaled(world: World) -> None:
        world.of(GROUP)["CacheNodeType"] = "cache.m6g.large"
        world.of(ALARM, AlarmName="memory-critical")["Threshold"] = 95
        world.of("AWS::SSM::Parameter", Name="/REDIS_URL")["Value"] = "rediss://elsewhere"
        review = world.of(FUNCTION, FunctionName="review-updates")["Environment"]["Variables"]
        review["SUPPORT"] = review["SUPPORT"].replace("148", "326")
        world.remove(ALARM, AlarmName="cpu-credits")

    asked = {one.name: one for one in judged(production_stacks, scaled).open}
    assert asked.keys() == {"parameter REDIS_URL", "the Redis group"}
    group, *follow = [leaf.path for leaf in asked["the Redis group"].leaves]
    assert group == "Properties.CacheNodeType"
    support = "function review-updates Properties.Environment.Variables.SUPPORT."
    assert [path for path in follow if not path.startswith(support)] == [
        "alarm cpu-credits-warning",
        "alarm memory-critical Properties.Threshold",
    ]
    assert any(path.startswith(support) for path in follow)
