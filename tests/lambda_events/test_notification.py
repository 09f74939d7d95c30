"""Every event of ElastiCache becomes a message that Chatbot shows, and none is lost."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.aws.inbox import alarm_problem, custom_problem
from events import handler
from events.handler import notification
from events.kinds import KINDS, kind_of
from events.message import Event, UnreadableEventError, messages, read
from tests.support import ROOT, Answering, Refusing

BOOK = "https://example.com/runbook.md"
RUNBOOK = f"{BOOK}#events"

SAMPLES = json.loads((ROOT / "tests/emulator/samples/events.json").read_text())
SERIOUS = {
    "SnapshotFailed",
    "ReplicationGroupScalingFailed",
    "CacheClusterScalingFailed",
    "AddCacheNodeFailed",
}


def content(text: str) -> dict[str, Any]:
    """What the channel shows of one message of ElastiCache."""
    found: dict[str, Any] = json.loads(notification(read(text), "redis", RUNBOOK))["content"]
    return found


def of_sns(*texts: str) -> dict[str, Any]:
    (record,) = SAMPLES["sns"]["event"]["Records"]
    return {"Records": [record | {"Sns": record["Sns"] | {"Message": text}} for text in texts]}


@pytest.mark.parametrize("name", KINDS)
def test_every_known_event_has_words_of_its_own_and_those_that_cannot_wait_page(name: str) -> None:
    kind, text = KINDS[name], json.dumps({f"ElastiCache:{name}": "redis-002"})
    shown, line = content(text), json.loads(handler.line(read(text), "redis", datetime.now(UTC)))
    assert shown["description"].startswith(f"redis-002 {kind.words}")
    assert "ElastiCache:" not in shown["description"], "plain words"
    assert shown["nextSteps"] == [f"Runbook: {RUNBOOK}"]
    assert kind_of(name.upper()) is kind
    assert (name in SERIOUS) == bool(kind.because) == line[handler.METRIC]
    assert ("needs a person" in shown["title"]) == (name in SERIOUS)


@pytest.mark.parametrize(
    "text",
    [
        *(json.dumps({f"ElastiCache:{name}": "redis-001"}) for name in KINDS),
        '{"ElastiCache:NeverHeardOf": "redis-001"}',
        '{"Date": "2015-12-05", "Message": "Cache cluster created", "SourceIdentifier": "redis"}',
        "ElastiCache:SnapshotFailed : redis-001",
        "free text with ``` in it",
        "",
        "[1, 2]",
        "{}",
        '{"ElastiCache:FailoverComplete": null}',
        "x" * 100_000,
    ],
)
def test_whatever_comes_becomes_what_chatbot_shows(text: str) -> None:
    sent = notification(read(text), "redis", RUNBOOK)
    assert custom_problem(sent) is None
    assert len(sent) < 10_000
    assert alarm_problem(sent) is not None, "it must not look like an alarm: those page"


@pytest.mark.parametrize("sample", SAMPLES["elasticache"], ids=lambda each: each["message"])
def test_each_form_that_aws_documents_has_its_name_and_pages_where_it_must(
    sample: dict[str, str],
) -> None:
    event = read(sample["message"])
    assert (event.name, event.source) == (sample["event"], sample["of"])
    line = json.loads(handler.line(event, "redis", datetime.now(UTC)))
    assert line[handler.METRIC] == (event.name in SERIOUS)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            '{"Elasticache:FailoverComplete": "r", "Cache Cluster ID": "r-001"}',
            Event("FailoverComplete", "r", "Cache Cluster ID: r-001"),
        ),
        ('{"SnapshotFailed": "r-001"}', Event("SnapshotFailed", "r-001")),
        ('{"Event": "SnapshotFailed"}', Event("SnapshotFailed", "", "Event: SnapshotFailed")),
        ('{"ElastiCache:SnapshotFailed": null}', Event("SnapshotFailed", "")),
        (
            '{"Message": "SnapshotFailed", "SourceIdentifier": null}',
            Event("SnapshotFailed", "", "SnapshotFailed"),
        ),
        ("anything else", Event("", "", "anything else")),
        ("{}", Event("", "", "{}")),
    ],
)
def test_other_forms_keep_what_they_say(text: str, event: Event) -> None:
    assert read(text) == event


@pytest.mark.parametrize(
    "text", ['{"ElastiCache:SnapshotFailed": "<!channel>"}', '{"Why": "<!channel>"}', "<!channel>"]
)
def test_what_others_wrote_cannot_call_the_channel(text: str) -> None:
    assert "&lt;!channel&gt;" in content(text)["description"]
    assert "<!channel>" not in content(text)["description"]


def test_an_unknown_event_is_passed_on_and_not_dropped() -> None:
    shown = content('{"ElastiCache:NeverHeardOf": "redis-002", "Why": "because"}')
    assert "NeverHeardOf, of redis-002" in shown["description"]
    assert "Why: because" in shown["description"]


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"Records": [{"Sns": {}}]}, {"Records": "x"}, [], None, "text"]
)
def test_what_is_no_message_of_sns_raises_so_that_it_is_kept(event: Any) -> None:
    with pytest.raises(UnreadableEventError):
        messages(event)


def test_an_event_without_a_source_is_told_of_the_group() -> None:
    assert content("{}")["description"].startswith("An event without a name, of redis.")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Answering:
    found = Answering(publish=None)
    monkeypatch.setattr(handler, "client", lambda _: found)
    monkeypatch.setenv("REPLICATION_GROUP_ID", "redis")
    monkeypatch.setenv("CHANNEL_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:warning")
    monkeypatch.setenv("RUNBOOK", BOOK)
    return found


def test_each_message_is_sent_to_the_channels_topic(topic: Answering) -> None:
    handler.handler(of_sns('{"ElastiCache:FailoverComplete": "redis"}', "second"), None)
    topics = [asked["TopicArn"].rpartition(":")[2] for _, asked in topic.asked]
    assert topics == ["warning", "warning"]


@pytest.mark.usefixtures("topic")
def test_a_topic_that_refuses_fails_the_function_and_the_page_is_written_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handler, "client", lambda _: Refusing())
    with pytest.raises(ClientError):
        handler.handler(of_sns('{"ElastiCache:SnapshotFailed": "redis-002"}'), None)
    assert json.loads(capsys.readouterr().out)["SeriousEvents"] == 1


def test_a_server_without_its_values_is_named_in_the_channel(topic: Answering) -> None:
    handler.handler(SAMPLES["servers"]["event"], None)
    ((_, sent),) = topic.asked
    assert custom_problem(sent["Message"]) is None
    shown = json.loads(sent["Message"])["content"]
    assert shown["description"].startswith("i-12345678 has not the kernel and systemd values")
    assert shown["nextSteps"][0].endswith("#servers")


def test_an_event_of_a_server_without_its_name_raises_so_that_it_is_kept(topic: Answering) -> None:
    kind = "EC2 State Manager Instance Association State Change"
    with pytest.raises(KeyError):
        handler.handler({"detail-type": kind, "detail": {}}, None)
    assert topic.asked == []
