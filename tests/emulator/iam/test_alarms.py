"""Alarm, topic and key of production as they are synthesised, and with a link removed."""

import json
from typing import Any

import pytest

from emulator.iam.alarms import announcements, silenced
from emulator.iam.template import Deployment
from tests.support import ROOT

STACK = "vibewell-redis-production-monitoring"

Template = dict[str, Any]


@pytest.fixture
def monitoring() -> Template:
    """The template as the snapshot has it, for a test to change."""
    template: Template = json.loads((ROOT / "tests" / "snapshots" / f"{STACK}.json").read_text())
    return template


def judged(template: Template) -> list[str]:
    return silenced(_deployment(template))


def _deployment(template: Template) -> Deployment:
    return Deployment({STACK: template}, account="111122223333", region="us-east-1")


def of_kind(template: Template, kind: str) -> list[Template]:
    return [r["Properties"] for r in template["Resources"].values() if r["Type"] == kind]


def for_cloudwatch(statements: list[Template]) -> Template:
    (statement,) = (
        s for s in statements if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )
    return statement


def key_statements(template: Template) -> list[Template]:
    (key,) = of_kind(template, "AWS::KMS::Key")
    statements: list[Template] = key["KeyPolicy"]["Statement"]
    return statements


def topic_statements(template: Template) -> list[Template]:
    policy = of_kind(template, "AWS::SNS::TopicPolicy")[0]
    statements: list[Template] = policy["PolicyDocument"]["Statement"]
    return statements


def test_every_alarm_of_production_reaches_its_topic(monitoring: Template) -> None:
    assert judged(monitoring) == []
    alarms = of_kind(monitoring, "AWS::CloudWatch::Alarm")
    assert len(announcements(_deployment(monitoring))) == len(alarms) > 0


def test_a_key_that_does_not_name_cloudwatch_silences_both_topics(monitoring: Template) -> None:
    statements = key_statements(monitoring)
    statements.remove(for_cloudwatch(statements))
    silenced_alarms = judged(monitoring)
    assert len(silenced_alarms) == len(of_kind(monitoring, "AWS::SNS::Topic"))
    for finding in silenced_alarms:
        assert "are dropped silently: kms:GenerateDataKey" in finding
        assert "no statement allows it to cloudwatch.amazonaws.com" in finding


def test_a_topic_policy_without_cloudwatch_silences_its_topic(monitoring: Template) -> None:
    statements = topic_statements(monitoring)
    statements.remove(for_cloudwatch(statements))
    (finding,) = judged(monitoring)
    assert "dropped silently: sns:Publish on" in finding


@pytest.mark.parametrize("where", [key_statements, topic_statements])
@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringEquals", "aws:SourceAccount", "444455556666"),
        ("ArnLike", "aws:SourceArn", "arn:aws:cloudwatch:us-west-2:111122223333:alarm:*"),
    ],
)
def test_another_account_or_region_in_a_condition_silences(
    monitoring: Template, where: Any, operator: str, key: str, value: str
) -> None:
    for_cloudwatch(where(monitoring))["Condition"][operator][key] = value
    assert judged(monitoring)


def test_a_topic_under_awss_own_key_is_silent(monitoring: Template) -> None:
    of_kind(monitoring, "AWS::SNS::Topic")[0]["KmsMasterKeyId"] = "alias/aws/sns"
    (finding,) = judged(monitoring)
    assert "has AWS's own key, which no service may use; give it a key of its own" in finding


def test_a_topic_or_key_of_no_template_cannot_be_judged(monitoring: Template) -> None:
    of_kind(monitoring, "AWS::SNS::Topic")[0]["KmsMasterKeyId"] = "1234abcd"
    (silenced_alarms,) = judged(monitoring)
    assert "it cannot be judged: no template has the key 1234abcd" in silenced_alarms
    alarm = of_kind(monitoring, "AWS::CloudWatch::Alarm")[0]
    alarm["OKActions"] = ["arn:aws:sns:us-east-1:111122223333:elsewhere"]
    assert any("no template has this topic" in finding for finding in judged(monitoring))
