"""How long ago each review ran, for the alarms; one that never ran is run now."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reviews.report import RAN
from shared.aws_calls import ask
from shared.boto_config import client, no_debugging
from shared.emf import emitted

NEVER = 10_000.0  # days: older than any report, and a figure that a graph can show
TEST_MARK = "NotificationTest"
_DAY = timedelta(days=1)


def handler(_event: object, _context: object) -> dict[str, float]:
    """Publish the ages in days, by metric. Raises what ``ask`` raises: no age is an alarm too."""
    no_debugging()
    now, watched = datetime.now(UTC), json.loads(os.environ["WATCHED"])
    s3, functions = client("s3"), client("lambda")
    ran = dict(_last_runs(s3, os.environ["REPORTS_BUCKET"], watched))
    age = {name: (now - ran[name]) / _DAY if name in ran else NEVER for name in watched}
    ages = {review["metric"]: age[name] for name, review in watched.items()}
    # Before anything is invoked: the alarms must not depend on it.
    marks = {TEST_MARK: float(_testing(now))} if "TEST_MONTHLY" in os.environ else {}
    print(emitted(os.environ["REPLICATION_GROUP_ID"], now, ages | marks, {}))
    for name in watched.keys() - ran.keys():
        called = {"FunctionName": watched[name]["function"], "InvocationType": "Event"}
        ask(functions.invoke, Payload=b'{"scheduled": true}', **called)
    return ages


def _testing(now: datetime) -> bool:
    """Whether it is the hour of the monthly test: the first Tuesday's, from 09:00 UTC."""
    return now.day <= 7 and now.isoweekday() == 2 and now.hour == 9


def _last_runs(s3: Any, bucket: str, reviews: Mapping[str, Any]) -> Iterator[tuple[str, datetime]]:
    for name in reviews:
        key = f"{name}/{RAN}"
        answer = ask(s3.list_objects_v2, Bucket=bucket, Prefix=key)
        for found in answer.get("Contents", []):
            if found["Key"] == key:
                yield name, found["LastModified"]
