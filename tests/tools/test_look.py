"""`make look`: which node, since when, and the words of every alarm that has no other command."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constructs.alarms.catalog import every_alarm
from constructs.alarms.metrics import Figure
from environments.schema import Settings
from tests.support import ROOT, Document
from tests.variants import changed
from tools import look
from tools.assembly import Stack

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NODES = {"r-001": "primary", "r-002": "replica"}


class CloudWatch:
    """One metric rises on the second node; the first has none."""

    def get_paginator(self, _name: str) -> "CloudWatch":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        hours = (NOW - asked["EndTime"]) / timedelta(hours=1)
        values, results = {"r-002": [80.0 - 10 * hours]}, []
        for query in asked["MetricDataQueries"]:
            node = query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
            results.append({"Id": query["Id"], "Values": values.get(node, [])})
        return [{"MetricDataResults": results}]


def test_every_alarm_on_the_metrics_of_nodes_has_its_command(production: Settings) -> None:
    alarms = [(one.name, one.figure) for one in every_alarm(production)]
    watched = {name: figure.metrics for name, figure in alarms if isinstance(figure, Figure)}
    assert set(watched) == set(look.LOOKS)
    assert all(look.LOOKS[name].metrics[0] in metrics for name, metrics in watched.items())
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    for name in watched:
        section = runbook.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert f"make look ENV=production ALARM={name}" in section


def test_the_node_is_the_one_whose_metric_is_furthest_and_the_trend_is_its_own() -> None:
    series = look.series_of(CloudWatch(), ["DatabaseMemoryUsagePercentage"], list(NODES), NOW)
    assert series["DatabaseMemoryUsagePercentage", "r-002"] == {0: 80.0, 1: 70.0, 24: -160.0}
    assert look.worst_node(look.LOOKS["memory"], series, list(NODES)) == "r-002"
    (said,) = look.trend("memory", series, "r-002")
    assert said.endswith("is 100 in 2.0 hours")
    assert not list(look.trend("memory", series, "r-001"))
    gone = look.series_of(CloudWatch(), ["EngineCPUUtilization"], list(NODES), NOW)
    assert look.worst_node(look.LOOKS["not-reporting"], gone, list(NODES)) == "r-001"


@pytest.mark.parametrize("name", look.LOOKS)
def test_the_runbooks_fix_is_said_for_this_environment(name: str, document: Document) -> None:
    settings = Settings.model_validate(changed(document, {"environment.name": "qa"}))
    reading, fix, done, address = look.section(settings, name)
    for said, label in ((reading, "Look: "), (fix, "Fix: "), (done, "Done when: ")):
        assert said.startswith(label)
        assert len(said) > len(label) + 10
        assert "**" not in said
        assert "ENV=production" not in said
    assert address.endswith(f"/docs/runbook.md#{name}")
    if "NODE_TYPE=" in fix:
        kinds = {"cpu-credits": "cache.m6g.large", "engine-cpu": "cache.m7g.large"}
        kind = kinds.get(name, look.larger(settings))
        assert f"make scale ENV=qa NODE_TYPE={kind}" in fix


def test_an_alarm_that_is_not_of_nodes_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert look.main(["production", "token-age"]) == 2
    assert "Alarms: memory, evictions" in capsys.readouterr().err


def test_the_alarms_message_has_its_nodes_its_command_and_the_dashboard(
    monitoring: Stack, production: Settings
) -> None:
    watched = {
        f"{production.prefix}-{one.name}-{one.severity}": one.name
        for one in every_alarm(production)
        if isinstance(one.figure, Figure)
    }
    alarms = monitoring.of_type("AWS::CloudWatch::Alarm").values()
    said = {one["AlarmName"]: one["AlarmDescription"] for one in alarms}
    for alarm, name in watched.items():
        assert f"make look ENV=production ALARM={name}. " in said[alarm]
        assert "Nodes vibewell-redis-001 to -003. " in said[alarm]
        assert "#dashboards:name=vibewell-redis-production " in said[alarm]
    assert not any("make look" in said[alarm] for alarm in set(said) - set(watched))
