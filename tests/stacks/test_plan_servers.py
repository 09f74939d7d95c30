"""The application servers' values as the templates make them (§5.3)."""

import json
import re
from pathlib import Path

import pytest

from constructs.servers import server_values
from environments.schema import Settings
from tests.support import Stacks, Synth
from tests.variants import ABSENT, changed
from tools.assembly import Document, Stack

NAME = "vibewell-redis-production-server-values"


@pytest.fixture
def operations(templates: Stacks) -> Stack:
    return templates["vibewell-redis-production-operations"]


@pytest.mark.plan("5.3")
def test_the_servers_with_the_tag_are_given_the_values_and_stay_so(operations: Stack) -> None:
    association = operations.only("AWS::SSM::Association")
    assert association["Targets"] == [{"Key": "tag:role", "Values": ["application"]}]
    assert association["Parameters"] == {"Action": ["apply"]}
    assert association["ScheduleExpression"] == "rate(12 hours)"
    assert association["ComplianceSeverity"] == "HIGH"
    (document,) = operations.of_type("AWS::SSM::Document")
    assert association["Name"] == {"Ref": document}
    assert "ApplyOnlyAtCronInterval" not in association, "a new server is not kept waiting"


@pytest.mark.plan("5.3")
def test_the_document_takes_the_plans_10000_connections(operations: Stack) -> None:
    content = operations.only("AWS::SSM::Document")["Content"]
    assert content["schemaVersion"] == "2.2"
    (step,) = content["mainSteps"]
    lines = step["inputs"]["runCommand"]
    assert lines[:3] == ["ACTION='{{ Action }}'", "BACKLOG=16384", "FILES=65536"]
    assert content["parameters"]["Action"]["default"] == "verify", "run by hand, it only looks"
    assert content["parameters"]["Action"]["allowedValues"] == ["apply", "verify", "revert"]
    text = "\n".join(lines)
    assert re.findall(r"\{\{.*?\}\}", text) == ["{{ Action }}"]
    assert len(json.dumps(content)) < 65_536


def test_a_change_of_the_script_is_a_new_version_and_no_second_document(
    operations: Stack,
) -> None:
    # The schema replaces on Content unless the method says otherwise, and the name is taken.
    document = operations.only("AWS::SSM::Document")
    assert (document["Name"], document["UpdateMethod"]) == (NAME, "NewVersion")
    assert operations.only("AWS::SSM::Association")["DocumentVersion"] == "$DEFAULT"


@pytest.mark.parametrize(("clients", "backlog"), [(10_000, 16_384), (16_384, 16_384), (800, 1024)])
def test_the_queues_hold_every_connection_at_once(clients: int, backlog: int) -> None:
    (step,) = server_values.content(clients)["mainSteps"]
    assert f"BACKLOG={backlog}" in step["inputs"]["runCommand"]


@pytest.mark.parametrize(
    ("text", "why"), [("echo '{{ Other }}'", "reads a parameter"), ("#" * 70_000, "longer than")]
)
def test_what_systems_manager_would_refuse_is_refused_at_synth(
    text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.sh"
    script.write_text(text)
    monkeypatch.setattr(server_values, "SCRIPT", script)
    with pytest.raises(ValueError, match=why):
        server_values.content(10_000)


@pytest.mark.plan("5.3")
def test_a_server_without_the_values_is_handed_to_the_function_that_tells(
    monitoring: Stack,
) -> None:
    rule = monitoring.only("AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.ssm"],
        "detail-type": ["EC2 State Manager Instance Association State Change"],
        "detail": {"document-name": [NAME], "status": ["Failed", "TimedOut"]},
    }
    (function,) = (
        logical_id
        for logical_id, properties in monitoring.of_type("AWS::Lambda::Function").items()
        if properties["FunctionName"] == "vibewell-redis-production-events"
    )
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    (permission,) = (
        properties
        for properties in monitoring.of_type("AWS::Lambda::Permission").values()
        if properties["Principal"] == "events.amazonaws.com"
    )
    (rule_id,) = monitoring.of_type("AWS::Events::Rule")
    assert permission["SourceArn"] == {"Fn::GetAtt": [rule_id, "Arn"]}
    assert permission["SourceAccount"] == "111122223333"


def test_an_event_that_eventbridge_cannot_hand_over_waits_in_the_queue_of_unread_events(
    monitoring: Stack,
) -> None:
    (queue,) = monitoring.of_type("AWS::SQS::Queue")
    rule = monitoring.only("AWS::Events::Rule")
    (target,) = rule["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    (allowed,) = (
        one
        for one in monitoring.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
        if one.get("Principal") == {"Service": "events.amazonaws.com"}
    )
    assert (allowed["Action"], allowed["Resource"]) == (
        "sqs:SendMessage",
        {"Fn::GetAtt": [queue, "Arn"]},
    )
    # The queue's policy names the rule before it is made: by its name, which must be the rule's.
    source = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert source.endswith(f":rule/{rule['Name']}")


def test_without_a_tag_nothing_is_set_and_nothing_watched(
    synth: Synth, production_document: Document
) -> None:
    change = {"application.server_tag": ABSENT}
    stacks = synth([Settings.model_validate(changed(production_document, change))])
    for part, kind in (
        ("operations", "AWS::SSM::Document"),
        ("operations", "AWS::SSM::Association"),
        ("monitoring", "AWS::Events::Rule"),
    ):
        assert not stacks[f"vibewell-redis-production-{part}"].of_type(kind)
    policy = stacks["vibewell-redis-production-monitoring"].only("AWS::SQS::QueuePolicy")
    assert "events.amazonaws.com" not in str(policy)
