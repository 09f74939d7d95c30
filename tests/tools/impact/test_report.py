"""The report: what a reviewer reads in a minute, and nothing that a comment would choke on."""

import re

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from tests.support import Stacks
from tests.tools.impact.oracle import STATEFUL
from tests.tools.impact.test_asks import (
    POLICY,
    SCHEDULE,
    a_false_condition,
    a_role_and_a_schedule_that_delete_the_group,
    setting,
    stating,
    tag,
)
from tests.tools.impact.test_quiet import counted
from tests.tools.impact.world import ALARM, FUNCTION, GROUP, MONITORING, Change, World, judged
from tools.impact.report import FENCE, HIDDEN, markdown, shown
from tools.impact.resources import DATA, named, subject
from tools.impact.templates import Side

LITERAL = "correct-horse-battery"


def much(world: World) -> None:
    world.of(GROUP).update(CacheNodeType="cache.m6g.large", SnapshotRetentionLimit=1)
    world.of(ALARM, AlarmName="memory-critical")["Threshold"] = 95
    world.remove("AWS::SNS::Subscription", Protocol="https")
    world.of("AWS::SQS::Queue")["MessageRetentionPeriod"] = 60
    for change in (a_role_and_a_schedule_that_delete_the_group, counted, a_false_condition):
        change(world)


def test_the_report_of_a_change_that_does_much_reads_as_it_was_reviewed(
    production_stacks: Stacks, file_regression: FileRegressionFixture
) -> None:
    text = markdown(judged(production_stacks, much), {MONITORING: "[~] what cdk diff prints"})
    file_regression.check(re.sub(r'(difference = )"\w+"', r'\1"…"', text), extension=".md")


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda _world: None, "✅ production: no change"),
        (counted, "✅ production: 3 differences, all harmless"),
        (
            setting(SCHEDULE, "State", "DISABLED"),
            "⛔ production: 1 question. schedule rotation changed",
        ),
        (
            setting(GROUP, "Port", 1),
            "⛔ production: 1 impossible in place. the Redis group replaced",
        ),
        (
            setting("AWS::SQS::Queue", "MessageRetentionPeriod", 60),
            "⛔ production: 1 question. queue of undelivered events changed",
        ),
        (tag("role", MONITORING), f"⛔ production: 1 question. the stack {MONITORING} changed"),
    ],
)
def test_the_verdict_is_the_first_line(
    production_stacks: Stacks, change: Change, first: str
) -> None:
    assert markdown(judged(production_stacks, change), {}).splitlines()[0] == f"## {first}"


def test_cdk_diff_is_folded_unedited(production_stacks: Stacks) -> None:
    output = "Stack x\n[~] AWS::X <b>\n └─ [+] `y`\n"
    text = markdown(judged(production_stacks, counted), {MONITORING: output})
    assert f"{FENCE}\n{output}{FENCE}\n</details>" in text


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (GROUP, "AuthToken"),
        ("AWS::SecretsManager::Secret", "SecretString"),
        (FUNCTION, "Environment.Variables.DB_PASSWORD"),
    ],
)
def test_a_secret_that_got_into_a_template_is_not_printed(
    production_stacks: Stacks, kind: str, path: str
) -> None:
    impact = judged(production_stacks, setting(kind, path, LITERAL))
    stack = impact.open[0].address.stack
    text = markdown(impact, {stack: f"[+] {LITERAL}"})
    assert LITERAL not in text
    assert HIDDEN in text
    assert "it would print a value that reads like a secret" in text


def test_what_a_list_gains_is_not_said_to_be_absent_before(production_stacks: Stacks) -> None:
    text = markdown(judged(production_stacks, stating(POLICY, "PolicyDocument")), {})
    assert "`Properties.PolicyDocument.Statement`: with `[{" in text


def test_the_address_of_a_webhook_is_not_printed(production_stacks: Stacks) -> None:
    hook = setting(
        "AWS::SNS::Subscription", "Endpoint", f"https://x.example/{LITERAL}", Protocol="https"
    )
    text = markdown(judged(production_stacks, hook), {})
    assert LITERAL not in text
    assert "https://x.example/(not shown)" in text


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("AuthToken", "{{resolve:secretsmanager:⟦s/Token⟧}}", "{{resolve:secretsmanager:Token}}"),
        ("Environment.Variables.API_KEY", "abc", HIDDEN),
        ("Passwords[0]", "abc", HIDDEN),
        ("Environment.Variables.TOKEN_DAYS", "100", "100"),
        ("SecretId", "abc", "abc"),
        ("KmsKeyId", "⟦s/Key.Arn⟧", "Key.Arn"),
        ("A", None, "absent"),
        ("A", "x" * 200, "x" * 90 + "…"),
    ],
)
def test_what_names_a_secret_is_shown_and_what_is_one_is_not(
    path: str, value: object, text: str
) -> None:
    assert shown(path, value) == text


def test_no_value_breaks_a_table_or_is_read_as_html(production_stacks: Stacks) -> None:
    nasty = "a|b\n<script>`*_[x](y)"
    for path in ("PreferredMaintenanceWindow", "SnapshotWindow"):
        text = markdown(judged(production_stacks, setting(GROUP, path, nasty)), {})
        assert "<script>" not in re.sub(r"`[^`]*`", "", text)
        for line in text.splitlines():
            if "| ⛔ |" in line:
                assert len(re.findall(r"(?<!\\)\|", line)) == 5, line


def test_the_cost_is_shown_before_and_after(production_stacks: Stacks) -> None:
    larger = setting(GROUP, "CacheNodeType", "cache.m6g.large")
    text = markdown(judged(production_stacks, larger), {})
    assert f"({3 * (0.149 - 0.068) * 730:+.2f}) (list price in us-east-1 of" in text
    unknown = setting(GROUP, "CacheNodeType", "cache.z9.huge")
    assert "**Money** | | | not known" in markdown(judged(production_stacks, unknown), {})


def test_everything_that_holds_data_has_a_name_and_a_subject(templates: Stacks) -> None:
    side = Side("x", templates)
    for place, body in side.resources.items():
        name = named(place, body)
        assert not re.search(r"[0-9A-F]{8}$", name), (place, name)
        if body["Type"] in STATEFUL and not re.search("Logs|SQS", body["Type"]):
            assert subject(body["Type"]) == DATA, body["Type"]
