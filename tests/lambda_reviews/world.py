"""What a review is given: its bucket, a topic that remembers, and the variables of its template."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

from reviews.report import Desk
from tests.support import Answering

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
