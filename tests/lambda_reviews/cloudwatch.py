"""A CloudWatch and an ElastiCache that answer a review from what a test puts there."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.support import pages_of_one

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

    def get_metric_data(
        self,
        *,
        MetricDataQueries: list[dict[str, Any]],  # noqa: N803 - boto3's own names
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        ScanBy: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert len(MetricDataQueries) <= 500, "CloudWatch refuses more in one call"
        assert ScanBy == "TimestampAscending"
        assert StartTime.tzinfo is not None
        self.asked += [query["MetricStat"] for query in MetricDataQueries if NextToken == "0"]
        points = [
            (query["Id"], at, value)
            for query in MetricDataQueries
            for at, value in sorted(self._of(query).items())
            if StartTime <= at < EndTime
        ]
        first = int(NextToken)
        part = points[first : first + self._page]
        more = len(points) > first + self._page
        return {
            "MetricDataResults": [
                {
                    "Id": query["Id"],
                    "StatusCode": self._status(query, more=more),
                    "Timestamps": [at for one, at, _ in part if one == query["Id"]],
                    "Values": [value for one, _, value in part if one == query["Id"]],
                }
                for query in MetricDataQueries
            ],
            **({"NextToken": str(first + self._page)} if more else {}),
        }

    def _status(self, query: dict[str, Any], *, more: bool) -> str:
        metric = query["MetricStat"]["Metric"]["MetricName"]
        return self.status.get(metric, "PartialData" if more else "Complete")

    def _of(self, query: dict[str, Any]) -> dict[datetime, float]:
        metric = query["MetricStat"]["Metric"]
        return self.series.get((metric["MetricName"], metric["Dimensions"][0]["Value"]), {})

    def describe_alarms(self, *, AlarmNamePrefix: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        found = [one for one in self.alarms if one["AlarmName"].startswith(AlarmNamePrefix)]
        return pages_of_one("MetricAlarms", found, int(NextToken))

    def describe_alarm_history(
        self,
        *,
        AlarmName: str,  # noqa: N803
        StartDate: datetime,  # noqa: N803
        EndDate: datetime,  # noqa: N803
        ScanBy: str,  # noqa: N803
        MaxRecords: int,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert MaxRecords == 100, "CloudWatch refuses more"
        assert ScanBy == "TimestampAscending"
        found = [
            one
            for one in self.history.get(AlarmName, [])
            if StartDate <= one["Timestamp"] <= EndDate
        ]
        return pages_of_one("AlarmHistoryItems", found, int(NextToken))


class ElastiCache:
    """One group."""

    def __init__(self, *members: str) -> None:
        self._members = members

    def describe_replication_groups(self, *, ReplicationGroupId: str) -> dict[str, Any]:  # noqa: N803
        assert ReplicationGroupId == "g"
        return {"ReplicationGroups": [{"MemberClusters": list(self._members)}]}


def changed(at: datetime, old: str, new: str) -> dict[str, Any]:
    """An item of an alarm's history as CloudWatch writes it."""
    told = {"version": "1.0", "oldState": {"stateValue": old}, "newState": {"stateValue": new}}
    return {"Timestamp": at, "HistoryItemType": "StateUpdate", "HistoryData": json.dumps(told)}


def created(at: datetime) -> dict[str, Any]:
    """The item of an alarm's creation."""
    told = {"version": "1.0", "type": "Create", "createdAlarm": {}}
    return {
        "Timestamp": at,
        "HistoryItemType": "ConfigurationUpdate",
        "HistoryData": json.dumps(told),
    }


def hours(start: datetime, end: datetime) -> Iterator[datetime]:
    """Every hour from ``start`` until before ``end``."""
    while start < end:
        yield start
        start += HOUR
