"""The picture on the front page is what the templates say, and nothing else."""

import re
from collections.abc import Callable
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from tests.support import ROOT, Document, Stacks
from tests.tools.impact.world import DATA, GROUP, World
from tools.picture.deployment import deployment
from tools.picture.drawing import draw
from tools.picture.svg import NAMESPACE

Redraw = Callable[..., str]


@pytest.fixture(scope="module")
def redraw(templates: Stacks, context: Document) -> Redraw:
    """Draw production after a change of the properties of every resource of one type."""

    def run(kind: str = GROUP, change: Callable[[Document], Any] = lambda _: None) -> str:
        world = World(templates)
        for stack in world.stacks.values():
            for properties in stack.of_type(kind).values():
                change(properties)
        return draw(deployment(world.stacks, context))

    return run


def test_the_committed_picture_is_what_the_templates_give_today(
    redraw: Redraw, file_regression: FileRegressionFixture
) -> None:
    """`make picture` draws it again: the plan's production, whatever the user's is."""
    file_regression.check(redraw(), fullpath=ROOT / "docs" / "deployment.svg", encoding="utf-8")


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        *(({"NumCacheClusters": size}, [f"vibewell-redis-{node:03}" for node in range(1, size + 1)])
          for size in (1, 2, 3, 6, 12)),
        (
            {"NumCacheClusters": None, "NumNodeGroups": 3, "ReplicasPerNodeGroup": 2},
            [f"…-{shard:04}-{node:03}" for shard in (1, 2, 3) for node in (1, 2, 3)],
        ),
    ],
)  # fmt: skip
def test_there_is_a_box_for_each_member_of_each_shard_and_none_covers_another(
    redraw: Redraw, sizes: Document, names: list[str]
) -> None:
    picture = redraw(change=lambda group: group.update(sizes))
    shards = sizes.get("NumNodeGroups", 1)
    primaries, replicas = boxes(picture, "primary"), boxes(picture, "replica")
    assert (len(primaries), len(replicas)) == (shards, len(names) - shards)
    assert sorted(text for text in texts(picture) if re.search(r"-\d{3}$", text)) == names
    for box, other in combinations(map(area, primaries + replicas), 2):
        apart_across = box[2] <= other[0] or other[2] <= box[0]
        assert apart_across or box[3] <= other[1] or other[3] <= box[1]


@pytest.mark.parametrize(
    ("kind", "changes", "shown"),
    [
        (GROUP, {"EngineVersion": "7.1"}, "Redis 7.1, cache.t3.medium, 1 primary + 2 replicas"),
        (GROUP, {"CacheNodeType": "cache.x"}, "Redis 6.2, cache.x, 1 primary + 2 replicas"),
        (GROUP, {"ReplicationGroupId": "other"}, "other-001"),
        (GROUP, {"TransitEncryptionEnabled": False}, "no TLS on 6379 with AUTH"),
        (GROUP, {"SnapshotRetentionLimit": 1}, "1 day of snapshots"),
        (GROUP, {"SnapshotWindow": "05:00-06:30"}, "daily, 05:00–06:30 UTC"),
        (GROUP, {"LogDeliveryConfigurations": []}, "No logs"),
        (
            GROUP,
            {"PreferredMaintenanceWindow": "sat:23:00-sun:01:00", "MultiAZEnabled": False},
            "automatic failover, maintenance Sat 23:00–Sun 01:00 UTC",
        ),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 14}, "14 days of logs"),
        ("AWS::KMS::Alias", {"AliasName": "alias/other"}, "other"),
        ("AWS::ElastiCache::SubnetGroup", {"CacheSubnetGroupName": "other"}, "Subnets other"),
        ("AWS::EC2::SecurityGroup", {"GroupName": "other"}, "Security group other"),
        ("AWS::EC2::SecurityGroupIngress", {"SourceSecurityGroupId": "sg-other"}, "sg-other"),
        ("AWS::CloudWatch::Dashboard", {"DashboardName": "other"}, "other, 10 graphs"),
        ("AWS::CloudWatch::Alarm", {"AlarmActions": []}, "0 critical"),
        ("AWS::Chatbot::SlackChannelConfiguration", {"SlackChannelId": "C1"}, "C1"),
        ("AWS::Lambda::Function", {"FunctionName": "other"}, "other, to warning"),
        ("AWS::Lambda::Function", {"FunctionName": "other-task"}, "other"),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {}}}, "have no receiver"),
    ],
)
def test_a_changed_property_is_shown(
    redraw: Redraw, kind: str, changes: Document, shown: str
) -> None:
    assert shown not in texts(redraw())
    assert shown in texts(redraw(kind, lambda properties: properties.update(changes)))


def test_alarms_are_counted_and_nothing_of_production_is_cut(redraw: Redraw) -> None:
    picture = redraw()
    assert not [text for text in texts(picture) if text.endswith("…")]
    counts, totals = (
        sum(map(int, re.findall(rf">(\d+) (?:{kinds})<", picture)))
        for kinds in ("on nodes|on checks|on deliveries", "warning|critical")
    )
    assert counts == totals > 30


def test_the_picture_of_a_template_that_pages_no_person_has_no_line_to_a_pager(
    redraw: Redraw,
) -> None:
    def elsewhere(subscription: Document) -> None:
        if subscription["Protocol"] == "https":
            subscription["TopicArn"] = {"Ref": "NotificationsWarningDF69F716"}

    assert arrows(redraw(), "red") - arrows(redraw("AWS::SNS::Subscription", elsewhere), "red")


def test_a_subscriptions_address_is_never_drawn(redraw: Redraw) -> None:
    picture = redraw("AWS::SNS::Subscription", lambda it: it.update(Endpoint="https://a-key"))
    assert "a-key" not in picture


def test_everybody_who_may_connect_has_a_box_and_an_arrow(
    templates: Stacks, context: Document
) -> None:
    world = World(templates)
    (rule,) = world.stacks[DATA].of_type("AWS::EC2::SecurityGroupIngress").values()
    for name in ("Rotation", "Health check"):
        more = {**rule, "Description": name, "SourceSecurityGroupId": f"sg-{name}"}
        world.add(DATA, name, "AWS::EC2::SecurityGroupIngress", **more)
    picture = draw(deployment(world.stacks, context))
    assert {"Application servers", "Rotation", "Health check", "sg-Rotation"} < texts(picture)
    assert len(arrows(picture, "blue")) == 3


def test_the_picture_refers_to_nothing_outside_itself(redraw: Redraw) -> None:
    picture = redraw()
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    ids = {element.get("id") for element in root.iter()} - {None}
    referred = set(re.findall(r"(?:url\(|href=\")#?([^)\"]+)", picture))
    referred |= set(root.get("aria-labelledby", "").split())
    assert referred <= ids
    assert "http" not in picture.replace(f'xmlns="{NAMESPACE}"', "")
    assert "@import" not in picture


def test_the_picture_is_small_and_says_in_words_what_it_shows(redraw: Redraw) -> None:
    picture = redraw()
    assert len(picture.encode()) < 40_000
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    assert root.get("role") == "img"
    assert root.findtext(f"{{{NAMESPACE}}}title") == "vibewell-redis in production"
    words = root.findtext(f"{{{NAMESPACE}}}desc") or ""
    assert "TLS on 6379 with AUTH" in words
    assert "10 critical alarms to Slack and PagerDuty" in words


def test_what_xml_would_misread_is_escaped(redraw: Redraw) -> None:
    name = 'a<b>&"c'
    picture = redraw(change=lambda group: group.update(ReplicationGroupId=name))
    assert name in texts(picture)
    assert name not in picture


def elements(picture: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(picture).iter(f"{{{NAMESPACE}}}{name}"))  # noqa: S314


def texts(picture: str) -> set[str]:
    return {element.text or "" for element in elements(picture, "text")}


def boxes(picture: str, kind: str) -> list[ElementTree.Element]:
    return [group[0] for group in elements(picture, "g") if group.get("class") == kind]


def arrows(picture: str, tone: str) -> set[str]:
    return {
        element.get("d", "")
        for element in elements(picture, "path")
        if element.get("class") == f"{tone} line"
    }


def area(box: ElementTree.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(box.get(name, "")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height
