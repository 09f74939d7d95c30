"""Service updates, versions and the end of support, as people read them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from environments.engines import EXTENDED_SUPPORT_PERCENT
from reviews import security, updates
from reviews.updates import ENGINE, MAJOR, MINOR, PATCH, Support, Version, newer
from shared.errors import AwsRefusedError
from tests.lambda_reviews.world import Made, a_desk, body, keys, messages
from tests.support import Answering, Refusing, pages_of_one

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
SUPPORT = Support("Redis 6.2", date(2027, 1, 31), 100.0, EXTENDED_SUPPORT_PERCENT, "list price")


def update(name: str = "u", days: float = 30, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceUpdateName": name,
        "ServiceUpdateSeverity": "important",
        "ServiceUpdateType": "security-update",
        "ServiceUpdateRecommendedApplyByDate": NOW + timedelta(days=days),
        "UpdateActionStatus": "not-applied",
        "NodesUpdated": "0/3",
        **changes,
    }


OFFERED = {"redis": ["5.0.6", "6.2.6", "6.2.14", "7.0.7", "7.1.0"], "valkey": ["7.2.6"]}


def elasticache(*actions: dict[str, Any]) -> Answering:
    return Answering(
        describe_service_updates={"ServiceUpdates": []},
        describe_update_actions=pages_of_one("UpdateActions", actions, "Marker"),
        describe_replication_groups={"ReplicationGroups": [{"MemberClusters": ["g-001"]}]},
        describe_cache_clusters={"CacheClusters": [{"Engine": "redis", "EngineVersion": "6.2.6"}]},
        describe_cache_engine_versions=lambda Engine: {  # noqa: N803 - boto3's own name
            "CacheEngineVersions": [
                {"Engine": Engine, "EngineVersion": text} for text in OFFERED[Engine]
            ]
        },
    )


@pytest.fixture
def made() -> Iterator[Made]:
    with a_desk(REVIEW="security-updates", METRICS="ReviewSecurityUpdates") as found:
        yield found


def told(topic: Answering) -> list[str]:
    return [json.loads(message)["content"]["description"] for message in messages(topic)]


@pytest.mark.plan("7.1")
def test_a_security_update_is_told_when_new_and_once_more_when_due(made: Made) -> None:
    desk, _, topic = made
    for days, count in ((30, 1), (29, 1), (8, 1), (7, 2), (6, 2), (-1, 2)):
        security.review(elasticache(update(days=days)), desk, NOW)
        assert len(messages(topic)) == count, days
    security.review(elasticache(), desk, NOW)
    security.review(elasticache(update(days=30)), desk, NOW)
    assert len(messages(topic)) == 3, "it was withdrawn, and came back"


@pytest.mark.parametrize(
    "changes",
    [
        {"UpdateActionStatus": "complete"},
        {"UpdateActionStatus": "not-applicable"},
        {"ServiceUpdateType": "engine-update"},
    ],
)
def test_what_is_done_or_no_security_update_waits_for_the_month(
    made: Made, changes: dict[str, Any]
) -> None:
    desk, s3, topic = made
    security.review(elasticache(update(**changes)), desk, NOW)
    assert messages(topic) == []
    assert keys(s3) == ["security-updates/ran.json", "security-updates/told.json"]


def test_an_update_that_could_not_be_told_is_told_the_next_day(made: Made) -> None:
    desk, _, topic = made
    desk.sns = Refusing()
    with pytest.raises(AwsRefusedError):
        security.review(elasticache(update()), desk, NOW)
    desk.sns = topic
    security.review(elasticache(update()), desk, NOW)
    assert len(messages(topic)) == 1


@pytest.mark.plan("7.1")
def test_the_most_urgent_comes_first(made: Made) -> None:
    desk, _, topic = made
    actions = [
        update("later", days=5, ServiceUpdateSeverity="low"),
        update("engine", ServiceUpdateType="engine-update", ServiceUpdateSeverity="critical"),
        update("unknown", ServiceUpdateSeverity="grave"),
        update("soon", days=1, ServiceUpdateSeverity="critical"),
        update("then", days=9, ServiceUpdateSeverity="critical"),
    ]
    updates.review(elasticache(*actions), SUPPORT, desk, NOW)
    names = [line.split("*")[1] for line in told(topic)[0].splitlines()[:3]]
    assert names == ["soon", "then", "later"]
    assert "critical security update, by 2026-11-26, in 1 days, " in told(topic)[0]
    assert "2 more updates" in told(topic)[0]
    assert "none waits" not in told(topic)[0]


@pytest.mark.plan("7.1")
def test_each_kind_of_step_has_its_newest_version() -> None:
    assert newer(elasticache(), Version("redis", "6.2.6")) == {
        PATCH: Version("redis", "6.2.14"),
        MAJOR: Version("redis", "7.1.0"),
        ENGINE: Version("valkey", "7.2.6"),
    }
    assert next(iter(newer(elasticache(), Version("redis", "7.0.7")))) == MINOR


def test_a_valkey_is_never_sent_back_to_redis() -> None:
    assert newer(elasticache(), Version("valkey", "7.2.6")) == {}


@pytest.mark.plan("7.1")
@pytest.mark.parametrize(
    ("today", "says"),
    [
        (date(2026, 11, 25), "leaves standard support on 2027-01-31, in 67 days"),
        (date(2027, 1, 31), "in 0 days"),
        (date(2027, 2, 1), "left standard support on 2027-01-31, 1 days ago"),
    ],
)
def test_the_end_of_support_is_told_with_its_price(today: date, says: str) -> None:
    words = SUPPORT.words(today)
    assert says in words
    assert "from 2027-02-01 $80 per month on top of $100 (+80 %)" in words
    assert "from 2029-02-01 $160 per month on top of $100 (+160 %)" in words
    assert "2028" not in words, "the second year costs what the first does"
    assert words.endswith("(list price).")
    assert SUPPORT.needs_a_person(today)


def test_an_engine_whose_support_goes_on_is_no_finding(made: Made) -> None:
    desk, s3, topic = made
    endless = Support("Valkey 8.1", None, 100.0, EXTENDED_SUPPORT_PERCENT, "list price")
    found = updates.review(elasticache(), endless, desk, NOW)
    assert found["findings"] == 0
    assert found["title"] == "updates of the month, nothing to apply"
    assert "Service updates: none waits." in told(topic)[0]
    page = body(s3, "security-updates/2026-11-25.html")
    for version in newer(elasticache(), Version("redis", "6.2.6")).values():
        assert version.name in page


def test_a_node_type_without_a_price_has_percentages() -> None:
    support = Support("Redis 6.2", date(2027, 1, 31), None, EXTENDED_SUPPORT_PERCENT, "x")
    assert "from 2027-02-01 80 % on top of the nodes' price" in support.words(NOW.date())
