"""What a review is given: its bucket, a topic that remembers, and the variables of its template."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

from reviews.report import Desk

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


class Topic:
    """A client of SNS that keeps what it is told, or refuses it."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.refuses: Exception | None = None

    def publish(self, *, TopicArn: str, Message: str) -> None:  # noqa: N803 - boto3's own names
        assert TopicArn == VARIABLES["CHANNEL_TOPIC_ARN"]
        if self.refuses:
            raise self.refuses
        self.messages.append(Message)


Made = tuple[Desk, Any, Topic]


@contextmanager
def a_desk(**variables: str) -> Iterator[Made]:
    """A desk with its bucket (a client of S3) and its topic."""
    with mock_aws():
        s3 = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - moto's
        )
        s3.create_bucket(Bucket=BUCKET)
        topic = Topic()
        yield Desk({**VARIABLES, **variables}, s3, topic), s3, topic


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(s3: Any, key: str) -> str:
    text: str = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return text
