"""What the report's dashboard shows is recorded from nodes under load, through CloudWatch."""

import json

import pytest

from aws_rules.recording import Recording, parsed
from rehearsal.common.deployed import token
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow
from rehearsal.dashboard import Recorder

MINUTES = 40


@pytest.fixture(scope="module")
def recording(deployed: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A short one."""
    file = tmp_path_factory.mktemp("recording") / "deep" / "recording.json"
    follow(deployed, Recorder(file, minutes=MINUTES, speed=0.02).steps)
    return parsed(json.loads(file.read_text()))


def values(recording: Recording, name: str) -> list[dict[int, float]]:
    """Each node's values by the minute, the nodes in their order."""
    of_it = {m: points for m, points in recording.series.items() if m.name == name}
    return [
        {(at - recording.began) // 60: value for at, value in of_it[metric].items()}
        for metric in sorted(of_it, key=lambda metric: metric.dimensions)
    ]


def test_every_series_of_the_deployed_dashboard_is_recorded_each_minute(
    deployed: Rehearsal, recording: Recording
) -> None:
    cloudwatch = deployed.aws("cloudwatch")
    answer = cloudwatch.get_dashboard(DashboardName="vibewell-redis-production")
    rows = [
        row
        for widget in json.loads(answer["DashboardBody"])["widgets"]
        for row in widget["properties"].get("metrics", [])
    ]
    assert {(metric.name, metric.dimensions[0][1]) for metric in recording.series} == {
        (row[1], row[3]) for row in rows
    }
    for metric, points in recording.series.items():
        if metric.name != "ReplicationLag":  # which a primary does not publish
            assert len(points) == MINUTES, metric


def test_the_load_of_each_act_is_in_the_figures(recording: Recording) -> None:
    connections, memory, keys, logins = (
        next(act for act in recording.acts if words in act.words)
        for words in ("connections", "memory", "users", "wrong token")
    )
    held = max(values(recording, "CurrConnections"), key=lambda node: node[connections.start])
    assert held[connections.start] >= 300 > held[connections.end + 1]
    for node in values(recording, "DatabaseMemoryUsagePercentage"):
        # A replica has the keys when they have reached it: not always in the act's first minute.
        most = max(node[at] for at in range(memory.start, memory.end + 1) if at in node)
        assert most > 75 > node[memory.end + 1]
    assert (keys.start, keys.end) == (0, MINUTES)
    assert sum(sum(node.values()) for node in values(recording, "CacheHits")) > 0
    refused = [sum(node.values()) for node in values(recording, "AuthenticationFailures")]
    assert sorted(refused)[-1] == 12 * (logins.end - logins.start)


def test_no_state_is_told_of_an_alarm_on_what_no_node_publishes(recording: Recording) -> None:
    names = {name.removeprefix("vibewell-redis-production-") for name in recording.states}
    assert {"memory-critical", "swap-warning"} <= names
    assert names.isdisjoint({"health-failed-warning", "snapshot-age-warning", "old-token-warning"})


def test_the_recording_is_of_a_time_and_a_commit_and_holds_no_secret(
    deployed: Rehearsal, recording: Recording
) -> None:
    assert recording.recorded.endswith("Z")
    assert "0.02 s" in recording.clock
    assert token(deployed) not in repr(recording)
