"""What a review is given: its bucket, a topic that remembers, its variables, and CloudWatch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws

from reviews.report import Desk
from tests.support import Answering, pages_of_one

BUCKET = "reports"
VARIABLES = {
    "AWS_REGION": "us-east-1",
    "CHANNEL_TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:warning",
    "ENVIRONMENT": "production",
    "METRICS": "ReviewConfiguration",
    "REPLICATION_GROUP_ID": "g",
    "REPORTS_BUCKET": BUCKET,
    "REVIEW": "configuration",
    "RUNBOOK": "https://example.com/runbook.md",
}


def messages(topic: Answering) -> list[str]:
    """What was published."""
    assert {asked["TopicArn"] for _, asked in topic.asked} <= {VARIABLES["CHANNEL_TOPIC_ARN"]}
    return [asked["Message"] for _, asked in topic.asked]


Made = tuple[Desk, Any, Answering]


@contextmanager
def a_desk(**variables: str) -> Iterator[Made]:
    """A desk with its bucket (a client of S3) and its topic."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")  # with moto's credentials
        s3.create_bucket(Bucket=BUCKET)
        topic = Answering(publish=None)
        yield Desk({**VARIABLES, **variables}, s3, topic), s3, topic


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(s3: Any, key: str) -> str:
    text: str = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return text


HOUR = timedelta(hours=1)


class CloudWatch:
    """Series by metric and the first dimension's value; answers in pages of ``page`` points."""

    def __init__(self, page: int = 1000) -> None:
        self.series: dict[tuple[str, str], dict[datetime, float]] = {}
        self.status: dict[str, str] = {}
        self.alarms: list[dict[str, Any]] = []
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        self._page = page

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        queries = {query["Id"]: query["MetricStat"] for query in asked["MetricDataQueries"]}
        assert len(queries) <= 500, "CloudWatch refuses more in one call"
        assert asked["ScanBy"] == "TimestampAscending"
        assert asked["StartTime"].tzinfo is not None
        first = int(asked.get("NextToken", 0))
        last = first + self._page
        self.asked += queries.values() if not first else []
        points = [
            (name, at, value)
            for name, query in queries.items()
            for at, value in sorted(self._of(query["Metric"]).items())
            if asked["StartTime"] <= at < asked["EndTime"]
        ]
        more = last < len(points)
        results = [
            {
                "Id": name,
                "StatusCode": self.status.get(
                    query["Metric"]["MetricName"], "PartialData" if more else "Complete"
                ),
                "Timestamps": [at for one, at, _ in points[first:last] if one == name],
                "Values": [value for one, _, value in points[first:last] if one == name],
            }
            for name, query in queries.items()
        ]
        return {"MetricDataResults": results, **({"NextToken": str(last)} if more else {})}

    def _of(self, metric: dict[str, Any]) -> dict[datetime, float]:
        return self.series.get((metric["MetricName"], metric["Dimensions"][0]["Value"]), {})

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        prefix = asked["AlarmNamePrefix"]
        found = [one for one in self.alarms if one["AlarmName"].startswith(prefix)]
        return pages_of_one("MetricAlarms", found)(**asked)

    def describe_alarm_history(self, **asked: Any) -> dict[str, Any]:
        assert asked["MaxRecords"] == 100, "CloudWatch refuses more"
        assert asked["ScanBy"] == "TimestampAscending"
        found = [
            one
            for one in self.history.get(asked["AlarmName"], [])
            if asked["StartDate"] <= one["Timestamp"] <= asked["EndDate"]
        ]
        return pages_of_one("AlarmHistoryItems", found)(**asked)


def elasticache(*members: str) -> Answering:
    return Answering(
        describe_replication_groups={"ReplicationGroups": [{"MemberClusters": [*members]}]}
    )


def changed(at: datetime, old: str, new: str) -> dict[str, Any]:
    """An item of an alarm's history as CloudWatch writes it."""
    told = {"version": "1.0", "oldState": {"stateValue": old}, "newState": {"stateValue": new}}
    return _item(at, "StateUpdate", told)


def created(at: datetime) -> dict[str, Any]:
    told = {"version": "1.0", "type": "Create", "createdAlarm": {}}
    return _item(at, "ConfigurationUpdate", told)


def _item(at: datetime, kind: str, told: dict[str, Any]) -> dict[str, Any]:
    return {"Timestamp": at, "HistoryItemType": kind, "HistoryData": json.dumps(told)}


def hours(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += HOUR
