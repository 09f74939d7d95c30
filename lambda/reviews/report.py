"""A review's report on its way to people: page, message, figures, in that order."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from shared.aws_calls import ask
from shared.boto_config import client
from shared.emf import emitted
from shared.notification import custom

RAN = "ran.json"  # is written last: the watch takes its age for the review's
LINES = 8  # of a message: a channel is read in seconds


@dataclass(frozen=True, kw_only=True)
class Report:
    """``lines`` are the message's, in Slack's Markdown; ``page`` is the whole as HTML.

    ``findings`` counts what is to be looked at. ``section`` is the runbook's. ``figures`` are
    published too, by the name of the metric.
    """

    title: str
    lines: Sequence[str]
    page: str
    findings: int
    section: str
    figures: Mapping[str, float] = field(default_factory=dict)


class Desk:
    """Where one review's reports go: its folder of the bucket, and the channel.

    Every method raises what ``ask`` raises.
    """

    def __init__(self, variables: Mapping[str, str], s3: Any, sns: Any) -> None:
        """As constructs/reviews/review.py says it. Raises KeyError if the template does not fit."""
        self.s3, self.sns, self.topic_arn = s3, sns, variables["CHANNEL_TOPIC_ARN"]
        self.bucket, self.region = variables["REPORTS_BUCKET"], variables["AWS_REGION"]
        self.review, self.metric_prefix = variables["REVIEW"], variables["METRICS"]
        self.group_id = variables["REPLICATION_GROUP_ID"]
        self.environment, self.runbook = variables["ENVIRONMENT"], variables["RUNBOOK"]

    def deliver(self, report: Report, now: datetime) -> dict[str, Any]:
        """Page, message, then the note that it ran. Answers with what ``make run-review`` shows.

        The page comes first, because the message links to it; the note last, because a review
        whose message was not sent has not run.
        """
        key = f"{self.review}/{now:%Y-%m-%d}.html"
        self._put(key, report.page, "text/html; charset=utf-8")
        # In the S3 console, which asks for a sign-in: so a channel may show it.
        address = (
            f"https://{self.region}.console.aws.amazon.com/s3/object/{self.bucket}"
            f"?region={self.region}&prefix={quote(key, safe='')}"
        )
        self._tell(report, address)
        self.done(report.findings, now, report.figures)
        shown = {"title": report.title, "lines": list(report.lines), "findings": report.findings}
        return shown | {"report": address}

    def done(
        self, findings: int, now: datetime, figures: Mapping[str, float] | None = None
    ) -> None:
        """Note and publish that the review ran, also one without a message."""
        self.put_note(RAN, {"time": now.isoformat(timespec="seconds"), "findings": findings})
        published = {f"{self.metric_prefix}Findings": float(findings), **(figures or {})}
        print(emitted(self.group_id, now, published, {"review": self.review}))

    def put_note(self, name: str, note: Any) -> None:
        """Keep a note for the next run, or for the watch."""
        self._put(f"{self.review}/{name}", json.dumps(note), "application/json")

    def note(self, name: str) -> Any:
        """What the last run noted, or None where there is nothing."""
        key = f"{self.review}/{name}"
        # Whoever may not list is refused what is not there: so it is asked for first.
        listed = ask(self.s3.list_objects_v2, Bucket=self.bucket, Prefix=key)
        if key not in {found["Key"] for found in listed.get("Contents", [])}:
            return None
        answer = ask(self.s3.get_object, Bucket=self.bucket, Key=key)
        return json.load(answer["Body"])

    def _tell(self, report: Report, address: str) -> None:
        lines = list(report.lines)
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], f"… and {len(lines) - LINES + 1} more in the report"]
        todo = f"{self.runbook}#{report.section}"
        links = [f"<{address}|The whole report>", f"<{todo}|What to do>"]
        message = custom(f"Redis {self.environment}: {report.title}", "\n".join(lines), links)
        ask(self.sns.publish, TopicArn=self.topic_arn, Message=message)

    def _put(self, key: str, text: str, kind: str) -> None:
        given = {"Bucket": self.bucket, "Key": key, "Body": text.encode(), "ContentType": kind}
        ask(self.s3.put_object, **given)


def desk() -> Desk:
    """The one of the function that runs."""
    return Desk(os.environ, client("s3"), client("sns"))


def amount(value: float, unit: str) -> str:
    """A figure with its unit: whole from ten on, since no decision depends on tenths."""
    number = f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
    return f"{number} {unit}".strip()


def long_date(day: date) -> str:
    """With its year: "3 January 2027"."""
    return f"{day.day} {day:%B %Y}"


def short_date(day: date) -> str:
    """As in a chart: "3 Jan 2027"."""
    return f"{day.day} {day:%b %Y}"
