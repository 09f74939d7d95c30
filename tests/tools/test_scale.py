"""What `make scale` writes and refuses, and that no older revision takes it back."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from environments.schema import Settings
from tests.stacks.test_attached import ATTACHED
from tests.support import PLAN, Document, Synth
from tests.tools.account import ACTIVE_USER, TEMPLATE, Case, Run, group
from tests.variants import LARGE, changed
from tools import scale
from tools.command import Answer
from tools.deploy_guard import check_scaled

pytestmark = pytest.mark.plan("1")


def test_the_change_has_all_that_depends_on_the_node_type(production: Settings) -> None:
    assert scale.changes(production, "cache.m6g.large", "3") == {
        "redis.node_type": "cache.m6g.large",
        "redis.replicas": 3,
        "alarms.cpu_credit_balance": None,
    }
    assert scale.changes(production, "", "3") == {"redis.replicas": 3}


@pytest.mark.parametrize(
    ("change", "kind", "replicas", "says"),
    [
        (ATTACHED, "cache.m6g.large", "", "belongs to somebody else"),
        ({}, "cache.m6g.lagre", "", 'NODE_TYPE: "cache.m6g.lagre".*Write "cache.m6g.large"'),
        ({}, "", "three", "REPLICAS=three is no number"),
    ],
)
def test_what_is_no_such_change_is_refused(
    change: Document, kind: str, replicas: str, says: str, document: Document
) -> None:
    settings = Settings.model_validate(changed(document, change))
    with pytest.raises(Answer, match=says):
        scale.changes(settings, kind, replicas)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"redis.node_type": "cache.t3.small"}, "is smaller"),
        ({"redis.replicas": 1}, "is smaller"),
        (
            {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True},
            "differs from cache.t3.medium in data tiering",
        ),
    ],
)
def test_what_cannot_be_had_in_a_hurry_is_refused(
    change: Document, says: str, document: Document, production: Settings
) -> None:
    after = Settings.model_validate(changed(document, {"alarms.cpu_credit_balance": 57, **change}))
    with pytest.raises(Answer, match=says):
        scale.refuse_smaller(production, after)


def test_price_and_interruption_are_shown(document: Document, production: Settings) -> None:
    larger = Settings.model_validate(changed(document, LARGE))
    now, then, interruption = scale.said(production, larger)
    assert "3 nodes of cache.t3.medium, 2.32 GiB each, $148.92" in now
    assert "3 nodes of cache.m6g.large, 4.79 GiB each, $326.31" in then
    assert "writes are refused for some seconds" in interruption
    more = Settings.model_validate(changed(document, {"redis.replicas": 3}))
    assert list(scale.said(production, more))[2].startswith("Interruption: none")


LABELS = {"now": ["AWSCURRENT"], "next": ["AWSPENDING"]}
PENDING = {"secretsmanager:DescribeSecret": {"VersionIdsToStages": LABELS}}
BUSY = {"elasticache:DescribeUsers": ACTIVE_USER | {"Users[].Status": "modifying"}}
CONFIRMED = "production cache.m6g.large - production cdk"
UNCONFIRMED = "production cache.m6g.large - staging cdk"


def deployed(change: Callable[[Document], object]) -> Document:
    """Another template of the data stack is deployed; this checkout makes production's."""
    body = copy.deepcopy(TEMPLATE)
    change(body)
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def of_group(body: Document) -> Document:
    (found,) = (one for one in body["Resources"].values() if one["Type"] == scale.GROUP)
    return cast(Document, found)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (group(Status="snapshotting"), "vibewell-redis is snapshotting"),
        (BUSY, "is being rotated"),
        (PENDING, "is being rotated"),
        (
            deployed(lambda body: of_group(body)["Properties"].update(Engine="valkey")),
            "would also change Resources.RedisGroup88ACAA33.Properties.Engine",
        ),
        (deployed(lambda body: of_group(body).update(DeletionPolicy="Delete")), "DeletionPolicy"),
        (
            deployed(lambda body: body["Resources"].pop("TokenSecretD0591E06")),
            "Resources.TokenSecretD0591E06",
        ),
        (
            deployed(lambda body: body["Resources"].update(More={"Type": "AWS::SNS::Topic"})),
            "would also change Resources.More",
        ),
        (
            deployed(lambda body: body["Resources"].update(Second=of_group(body))),
            "would also change Resources.Second",
        ),
        ({"cloudformation:DescribeChangeSet": "ChangeSetNotFound"}, "finds no change"),
        ({}, "Nothing was changed"),  # confirmed for another environment
    ],
)
def test_unconfirmed_busy_or_with_another_change_the_file_is_put_back_and_nothing_executed(
    answers: Document, says: str, run: Run
) -> None:
    file = Path("environments/production.toml")
    ended = run(Case(scale.main, CONFIRMED if answers else UNCONFIRMED, "", answers))
    assert ended.status == int(bool(answers))
    assert re.search(says, ended.said), ended.said
    assert ended.changes == ([] if answers else ["cloudformation:DeleteChangeSet"])
    assert file.read_text() == (PLAN / file).read_text()


def test_a_token_that_waits_for_its_retirement_is_not_waited_for(run: Run) -> None:
    """The size alone may differ, and the file keeps what was executed."""

    def change(body: Document) -> None:
        of_group(body)["Properties"]["NumCacheClusters"] = 2
        of_group(body)["Metadata"] = {"aws:cdk:path": "another"}
        body["Metadata"] = {"Scaled": "2026-11-30T10:00:00Z"}

    smaller = deployed(change)
    versions = {"now": ["AWSCURRENT"], "before": ["AWSPREVIOUS"]}
    label = {"secretsmanager:DescribeSecret": {"VersionIdsToStages": versions}}
    ended = run(Case(scale.main, CONFIRMED, "", smaller | label))
    assert ended.status == 0, ended.said
    assert ended.changes == ["cloudformation:ExecuteChangeSet", "lambda:Invoke"]
    assert 'node_type = "cache.m6g.large"' in Path("environments/production.toml").read_text()
    assert '+node_type = "cache.m6g.large"' in Path("build/scale/production.patch").read_text()


def test_a_revision_from_before_it_is_not_deployed(
    document: Document, synth: Synth, production: Settings
) -> None:
    bodies = {}
    for name, moment in (("old", None), ("new", "2026-11-30T10:00:00Z")):
        made = {"environment.name": name, **({"redis.scaled": moment} if moment else {})}
        stacks = synth([Settings.model_validate(changed(document, made))])
        bodies[name] = stacks[f"vibewell-redis-{name}-data"].body
    check_scaled(production, bodies["old"], bodies["new"])
    check_scaled(production, bodies["new"], bodies["new"])
    with pytest.raises(Answer, match='scaled = "2026-11-30T10:00:00Z"'):
        check_scaled(production, bodies["new"], bodies["old"])


@pytest.mark.parametrize("arguments", [[], ["production", "", "", ""], ["", "a", "", "", "cdk"]])
def test_a_command_that_says_too_little_is_usage(arguments: list[str]) -> None:
    assert scale.main(arguments) == 2
