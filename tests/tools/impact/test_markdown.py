"""The report: what a reviewer reads in a minute, and nothing that a comment would choke on."""

import re

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from tests.support import Stacks
from tests.tools.review.test_access import another_may_log_in
from tests.tools.review.test_alarms import higher
from tests.tools.review.test_data import setting
from tests.tools.review.test_harmless import a_new_function, other_code
from tests.tools.review.world import ALARM, DATA, GROUP, World, reviewed
from tools.review.markdown import LARGEST, markdown
from tools.review.showing import HIDDEN, shown

LITERAL = "correct-horse-battery"


def much(world: World) -> None:
    world.of(GROUP).update(CacheNodeType="cache.m6g.large", SnapshotRetentionLimit=1)
    world.remove(ALARM, AlarmName="swap")
    for change in (another_may_log_in, higher, a_new_function, other_code):
        change(world)


def test_the_report_of_a_change_that_does_much_reads_as_it_was_reviewed(
    production_stacks: Stacks, file_regression: FileRegressionFixture
) -> None:
    text = re.sub(r"[0-9a-f]{64}", "<asset>", markdown(reviewed(production_stacks, much)))
    file_regression.check(re.sub(r'(difference = )"\w+"', r'\1"…"', text), extension=".md")


def test_nothing_to_stop_is_said_in_the_first_line(production_stacks: Stacks) -> None:
    first = markdown(reviewed(production_stacks, other_code)).splitlines()[0]
    assert first == "## ✅ production: nothing to stop"
    assert markdown(reviewed(production_stacks)).startswith("## ✅ production: no change")


def test_the_first_line_names_what_is_refused(production_stacks: Stacks) -> None:
    first = markdown(reviewed(production_stacks, setting(GROUP, "Port", 1))).splitlines()[0]
    assert first == "## ⛔ production: refused. `RedisGroup88ACAA33`: replaced"


def test_money_is_told_before_and_after_with_the_date_of_the_prices(
    production_stacks: Stacks,
) -> None:
    text = markdown(reviewed(production_stacks, much))
    by_hand = 3 * (0.149 - 0.068) * 730 - 0.3  # three nodes, and an alarm on three metrics less
    assert f"({by_hand:+.2f}) (list price in us-east-1 of 2026-10-02, 730 hours)" in text


def test_a_node_type_without_a_price_is_said_to_have_none(production_stacks: Stacks) -> None:
    text = markdown(reviewed(production_stacks, setting(GROUP, "CacheNodeType", "cache.z9.huge")))
    assert "**Cost** | not known" in text


def test_a_new_type_that_has_no_price_is_named(production_stacks: Stacks) -> None:
    text = markdown(
        reviewed(production_stacks, lambda w: w.add(DATA, "Nat", "AWS::EC2::NatGateway"))
    )
    assert "- AWS::EC2::NatGateway" in text.split("no price for")[1]


@pytest.mark.parametrize(
    ("kind", "name"),
    [(GROUP, "AuthToken"), ("AWS::SecretsManager::Secret", "SecretString")],
)
def test_a_secret_that_got_into_a_template_is_not_printed(
    production_stacks: Stacks, kind: str, name: str
) -> None:
    text = markdown(reviewed(production_stacks, setting(kind, name, LITERAL)))
    assert LITERAL not in text
    assert HIDDEN in text


def test_secrets_deeper_in_a_template_are_not_printed_either(production_stacks: Stacks) -> None:
    def change(world: World) -> None:
        function = world.of("AWS::Lambda::Function")
        function["Environment"]["Variables"]["DB_PASSWORD"] = LITERAL
        hook = world.of("AWS::SNS::Subscription", Protocol="https")
        hook["Endpoint"] = f"https://events.pagerduty.com/integration/{LITERAL}/enqueue"

    text = markdown(reviewed(production_stacks, change))
    assert LITERAL not in text
    assert "https://events.pagerduty.com/(not shown)" in text


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (
            "AuthToken",
            "{{resolve:secretsmanager:${s/Token}:SecretString}}",
            "{{resolve:secretsmanager:Token:SecretString}}",
        ),
        ("Environment.Variables.API_KEY", "abc", HIDDEN),
        ("Environment.Variables.TOKEN_DAYS", "100", "100"),
        ("SecretId", "abc", "abc"),
        ("KmsKeyId", "${s/Key.Arn}", "Key.Arn"),
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
    text = markdown(
        reviewed(
            production_stacks,
            setting(GROUP, "PreferredMaintenanceWindow", nasty),
            setting(GROUP, "EngineVersion", nasty),
        )
    )
    assert "<script>" not in re.sub(r"`[^`]*`", "", text)
    for line in text.splitlines():
        if line.startswith("| ⛔"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 4, line


def test_a_report_that_is_too_long_loses_details_and_never_a_danger(
    production_stacks: Stacks,
) -> None:
    def change(world: World) -> None:
        for number in range(4000):
            world.add(DATA, f"Parameter{number}", "AWS::SSM::Parameter", Name="x", Value="y" * 90)
        world.of(GROUP)["Port"] = 1

    text = markdown(reviewed(production_stacks, change))
    assert len(text) < LARGEST + 500
    assert "`RedisGroup88ACAA33` **replaced**" in text
    assert "More changes than a comment holds" in text
    assert text.count("<details>") == text.count("</details>")
