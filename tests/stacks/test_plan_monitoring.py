"""The plan's lines that the monitoring stack carries: one test a line, with its section."""

import json
from typing import Any

import pytest

from environments.schema import Settings
from shared.emf import DIMENSION, NAMESPACE
from tools.assembly import Document, Stack

MEMBERS = ["vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003"]


def alarm(monitoring: Stack, name: str) -> Document:
    (found,) = (
        properties
        for properties in monitoring.of_type("AWS::CloudWatch::Alarm").values()
        if properties["AlarmName"] == f"vibewell-redis-production-{name}"
    )
    return found


def series(properties: Document) -> list[tuple[str, str]]:
    """Metric and node of each series that an alarm reads."""
    return [
        (
            query["MetricStat"]["Metric"]["MetricName"],
            {d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]}[
                "CacheClusterId"
            ],
        )
        for query in properties["Metrics"]
        if "MetricStat" in query
    ]


def expression(properties: Document) -> str:
    (result,) = (query for query in properties["Metrics"] if query["ReturnData"])
    return str(result.get("Expression", result["Id"]))


@pytest.mark.plan("3.1")
@pytest.mark.parametrize(
    ("name", "metric", "comparison", "threshold"),
    [
        ("memory-warning", "DatabaseMemoryUsagePercentage", "Greater", 75),
        ("memory-critical", "DatabaseMemoryUsagePercentage", "Greater", 90),
        ("engine-cpu-warning", "EngineCPUUtilization", "Greater", 70),
        ("engine-cpu-critical", "EngineCPUUtilization", "Greater", 85),
        ("host-cpu-warning", "CPUUtilization", "Greater", 45),
        ("connections-warning", "CurrConnections", "Greater", 1000),
        ("connections-critical", "CurrConnections", "Greater", 5000),
        ("replication-lag-warning", "ReplicationLag", "Greater", 0.5),
        ("replication-lag-critical", "ReplicationLag", "Greater", 2),
    ],
)
def test_the_worst_of_all_nodes_is_alarmed(
    monitoring: Stack, name: str, metric: str, comparison: str, threshold: float
) -> None:
    properties = alarm(monitoring, name)
    assert properties["ComparisonOperator"] == f"{comparison}ThanThreshold"
    assert properties["Threshold"] == threshold
    assert series(properties) == [(metric, member) for member in MEMBERS]
    assert expression(properties) == "MAX([a1,a2,a3])"


@pytest.mark.plan("3.1")
def test_the_hit_rate_is_alarmed_below_80_percent_with_enough_traffic(monitoring: Stack) -> None:
    properties = alarm(monitoring, "hit-rate-warning")
    assert properties["ComparisonOperator"] == "LessThanThreshold"
    assert properties["Threshold"] == 80
    assert {metric for metric, _ in series(properties)} == {"CacheHits", "CacheMisses"}
    hits, reads = "SUM([a1,a2,a3])", "SUM([a1,a2,a3,b1,b2,b3])"
    assert expression(properties) == f"IF({reads}<100,100,100*({hits}+0.000001)/({reads}+0.000001))"


@pytest.mark.plan("3.1")
def test_every_series_names_its_node_as_elasticache_publishes_it(monitoring: Stack) -> None:
    # A wrong dimension gives an alarm that has no data and never speaks.
    for properties in monitoring.of_type("AWS::CloudWatch::Alarm").values():
        for query in properties["Metrics"]:
            metric = query.get("MetricStat", {}).get("Metric", {})
            if metric and metric["Namespace"] == "AWS/ElastiCache":
                assert [d["Name"] for d in metric["Dimensions"]] == [
                    "CacheClusterId",
                    "CacheNodeId",
                ]
                assert metric["Dimensions"][1]["Value"] == "0001"


@pytest.mark.plan("3.1")
def test_a_missing_hit_rate_is_no_bad_hit_rate(monitoring: Stack) -> None:
    assert alarm(monitoring, "hit-rate-warning")["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("evictions-warning", "Evictions", 0),
        ("refused-logins-warning", "AuthenticationFailures", 9),
        ("swap-warning", "SwapUsage", 50 * 1024 * 1024),
    ],
)
def test_what_an_owner_would_miss_is_alarmed(
    monitoring: Stack, name: str, metric: str, threshold: float
) -> None:
    properties = alarm(monitoring, name)
    assert series(properties) == [(metric, member) for member in MEMBERS]
    assert properties["Threshold"] == threshold
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"


def test_a_reached_network_allowance_is_alarmed_in_both_directions(monitoring: Stack) -> None:
    assert {metric for metric, _ in series(alarm(monitoring, "network-allowance-warning"))} == {
        "NetworkBandwidthInAllowanceExceeded",
        "NetworkBandwidthOutAllowanceExceeded",
    }


def test_the_node_with_the_fewest_cpu_credits_is_alarmed(monitoring: Stack) -> None:
    properties = alarm(monitoring, "cpu-credits-warning")
    assert (properties["ComparisonOperator"], properties["Threshold"]) == ("LessThanThreshold", 115)
    assert expression(properties) == "MIN([a1,a2,a3])"
    periods = {q["MetricStat"]["Period"] for q in properties["Metrics"] if "MetricStat" in q}
    assert periods == {300}, "credits are published every five minutes"


def test_a_node_that_sends_nothing_pages(monitoring: Stack) -> None:
    # CloudWatch takes a missing value for 0 in arithmetic: a sum would hide the silent node.
    properties = alarm(monitoring, "not-reporting-critical")
    assert expression(properties) == "a1*a2*a3"
    assert properties["TreatMissingData"] == "breaching"


@pytest.mark.plan("2.3", "7.3")
@pytest.mark.parametrize(
    ("name", "metric", "threshold", "missing"),
    [
        ("rotation-unfinished-warning", "RotationUnfinishedHours", 6, "breaching"),
        ("old-token-warning", "OldTokenUnretiredHours", 6, "notBreaching"),
        ("token-age-warning", "TokenAgeDays", 100, "notBreaching"),
        ("token-disagreement-critical", "TokenDisagreement", 0, "notBreaching"),
        ("login-without-password-critical", "LoginWithoutPassword", 0, "notBreaching"),
    ],
)
def test_the_age_of_the_rotations_state_is_alarmed_and_no_error_of_a_step(
    monitoring: Stack, name: str, metric: str, threshold: float, missing: str
) -> None:
    properties = alarm(monitoring, name)
    at_once = 1 if metric == "LoginWithoutPassword" else 2
    assert properties["DatapointsToAlarm"] == properties["EvaluationPeriods"] == at_once
    (query,) = properties["Metrics"]
    stat = query["MetricStat"]["Metric"]
    assert (stat["Namespace"], stat["MetricName"]) == (NAMESPACE, metric)
    assert stat["Dimensions"] == [{"Name": DIMENSION, "Value": "vibewell-redis"}]
    assert (properties["Threshold"], properties["TreatMissingData"]) == (threshold, missing)
    for other in monitoring.of_type("AWS::CloudWatch::Alarm").values():
        text = json.dumps(other["Metrics"])
        assert "-rotation" not in text, "a step that is not ready raises by design"


@pytest.mark.plan("3.3")
def test_every_alarm_tells_its_topic_when_it_begins_and_when_it_is_over(monitoring: Stack) -> None:
    topics = {
        properties["TopicName"].rsplit("-", 1)[-1]: {"Ref": name}
        for name, properties in monitoring.of_type("AWS::SNS::Topic").items()
    }
    alarms = monitoring.of_type("AWS::CloudWatch::Alarm").values()
    assert len(alarms) == 41
    for properties in alarms:
        topic = topics[properties["AlarmName"].rsplit("-", 1)[-1]]
        assert properties["AlarmActions"] == [topic]
        assert properties["OKActions"] == [topic]
        assert properties.get("ActionsEnabled", True) is True


def test_every_alarm_says_what_it_means_what_to_do_and_where_to_read(
    monitoring: Stack, production: Settings
) -> None:
    for properties in monitoring.of_type("AWS::CloudWatch::Alarm").values():
        text = properties["AlarmDescription"]
        meaning, first, link = text.replace(" Runbook: ", " First: ").split(" First: ")
        assert len(meaning) > 40, text
        assert len(first) > 20, text
        assert link.startswith(f"{production.notifications.runbook_url}#"), text
        assert len(text) <= 1024, "CloudWatch takes no longer description"


@pytest.mark.plan("3.2")
def test_the_dashboard_shows_the_plans_six_graphs_for_every_node(monitoring: Stack) -> None:
    shown = {
        widget["properties"]["title"]: widget["properties"]["metrics"]
        for widget in widgets(monitoring)
        if widget["type"] == "metric"
    }
    wanted = {
        "Memory": {"DatabaseMemoryUsagePercentage"},
        "CPU": {"EngineCPUUtilization", "CPUUtilization"},
        "Network bandwidth": {"NetworkBytesIn", "NetworkBytesOut"},
        "Connections": {"CurrConnections"},
        "Hits and misses": {"CacheHits", "CacheMisses"},
        "Replication lag": {"ReplicationLag"},
    }
    for title, metrics in wanted.items():
        lines = shown[title]
        assert {(line[1], line[3]) for line in lines} == {
            (metric, member) for metric in metrics for member in MEMBERS
        }
        assert {line[0] for line in lines} == {"AWS/ElastiCache"}


@pytest.mark.plan("3.2")
def test_each_threshold_is_drawn_on_its_graph(monitoring: Stack) -> None:
    drawn = {
        widget["properties"]["title"]: [
            line["value"] for line in widget["properties"]["annotations"]["horizontal"]
        ]
        for widget in widgets(monitoring)
        if widget["type"] == "metric"
    }
    assert drawn["Memory"] == [75, 90]
    assert drawn["CPU"] == [70, 85, 45]
    assert drawn["Connections"] == [1000, 5000]
    assert drawn["Replication lag"] == [0.5, 2]
    assert drawn["CPU credits"] == [115]


def test_the_dashboard_begins_with_the_state_of_every_alarm(monitoring: Stack) -> None:
    first = widgets(monitoring)[0]
    names = {arn.rsplit(":", 1)[-1] for arn in first["properties"]["alarms"]}
    alarms = monitoring.of_type("AWS::CloudWatch::Alarm").values()
    assert names == {properties["AlarmName"] for properties in alarms}


@pytest.mark.plan("3.3")
def test_slack_hears_warnings_and_critical_alarms(monitoring: Stack, production: Settings) -> None:
    slack = monitoring.only("AWS::Chatbot::SlackChannelConfiguration")
    topics = [{"Ref": name} for name in monitoring.of_type("AWS::SNS::Topic")]
    assert slack["SnsTopicArns"] == topics
    assert slack["SlackChannelId"] == production.notifications.slack_channel_id
    assert production.notifications.slack_channel_name == "#vibewell-production-alerts"


def test_the_slack_channel_can_look_and_not_touch(monitoring: Stack) -> None:
    slack = monitoring.only("AWS::Chatbot::SlackChannelConfiguration")
    assert slack["GuardrailPolicies"] == ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"]
    (policy,) = (
        properties
        for properties in monitoring.of_type("AWS::IAM::ManagedPolicy").values()
        if properties["Description"] == "Look at alarms and their graphs"
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    for action in statement["Action"]:
        assert action.split(":")[1].startswith(("Describe", "Get", "List")), action
        assert "*" not in action


@pytest.mark.plan("3.3")
def test_pagerduty_hears_critical_alarms_over_https(monitoring: Stack) -> None:
    (subscription,) = (
        properties
        for properties in monitoring.of_type("AWS::SNS::Subscription").values()
        if properties["Protocol"] != "lambda"
    )
    (critical,) = (
        name
        for name, properties in monitoring.of_type("AWS::SNS::Topic").items()
        if properties["TopicName"].endswith("critical")
    )
    assert subscription["TopicArn"] == {"Ref": critical}
    assert subscription["Protocol"] == "https"
    assert subscription["Endpoint"] == (
        "{{resolve:secretsmanager:example/pagerduty:SecretString:integration_url}}"
    ), "the address is the key to the service, so it is read at deployment"


@pytest.mark.plan("3.3")
def test_cloudwatch_of_this_account_may_encrypt_and_publish(monitoring: Stack) -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:*"},
    }
    (key_id,) = monitoring.of_type("AWS::KMS::Key")
    grants = _statements(monitoring.only("AWS::KMS::Key")["KeyPolicy"], "cloudwatch.amazonaws.com")
    assert [(grant["Action"], grant["Condition"]) for grant in grants] == [
        (["kms:Decrypt", "kms:GenerateDataKey"], condition)
    ]
    for topic in monitoring.of_type("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    for policy in monitoring.of_type("AWS::SNS::TopicPolicy").values():
        grants = _statements(policy["PolicyDocument"], "cloudwatch.amazonaws.com")
        assert [(grant["Action"], grant["Condition"]) for grant in grants] == [
            ("sns:Publish", condition)
        ]


def test_the_topics_take_nothing_in_plain_text(monitoring: Stack) -> None:
    for policy in monitoring.of_type("AWS::SNS::TopicPolicy").values():
        (refusal,) = (
            statement
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
        )
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def widgets(monitoring: Stack) -> list[Document]:
    body = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    found: list[Document] = body["widgets"]
    return found


def _statements(policy: Document, service: str) -> list[dict[str, Any]]:
    return [
        statement
        for statement in policy["Statement"]
        if isinstance(statement["Principal"], dict)
        and statement["Principal"].get("Service") == service
    ]
