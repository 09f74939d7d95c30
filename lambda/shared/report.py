"""A review's report on its way to people: page, message, figures, in that order."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from shared.aws_calls import ask
from shared.emf import emitted
from shared.notification import custom, link
from shared.report_store import RAN, ReportStore

LINES = 8  # of a message: a channel is read in seconds


@dataclass(frozen=True, kw_only=True)
class Report:
    """``lines`` are the message's, in Slack's Markdown; ``page`` is the whole as HTML.

    ``findings`` counts what is to be looked at. ``section`` is the runbook's. ``figures`` are
    published besides, by the name of the metric.
    """

    title: str
    lines: Sequence[str]
    page: str
    findings: int
    section: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where one review's reports go. Every method raises what ``ask`` raises."""

    store: ReportStore
    sns: Any
    topic_arn: str
    group_id: str
    environment: str
    runbook: str
    metric_prefix: str

    @classmethod
    def of(cls, variables: Mapping[str, str], s3: Any, sns: Any) -> Self:
        """As constructs/reviews/review.py says it. Raises KeyError if the template does not fit."""
        return cls(
            store=ReportStore(
                s3, variables["REPORTS_BUCKET"], variables["AWS_REGION"], variables["REVIEW"]
            ),
            sns=sns,
            topic_arn=variables["CHANNEL_TOPIC_ARN"],
            group_id=variables["REPLICATION_GROUP_ID"],
            environment=variables["ENVIRONMENT"],
            runbook=variables["RUNBOOK"],
            metric_prefix=variables["METRICS"],
        )

    def deliver(self, report: Report, now: datetime) -> dict[str, Any]:
        """Page, message, then the note that it ran. Answers with what ``make run-review`` shows.

        The page comes first, because the message leads to it; the note last, because a review
        that nobody was told of has not run.
        """
        address = self.store.put_page(f"{now:%Y-%m-%d}", report.page)
        self.tell(report, address)
        self.done(report.findings, now, report.figures)
        return {
            "title": report.title,
            "lines": list(report.lines),
            "findings": report.findings,
            "report": address,
        }

    def done(
        self, findings: int, now: datetime, figures: Mapping[str, float] | None = None
    ) -> None:
        """Note and publish that the review ran, whether or not there was anything to tell."""
        self.store.put_note(RAN, {"time": now.isoformat(timespec="seconds"), "findings": findings})
        published = {f"{self.metric_prefix}Findings": float(findings), **(figures or {})}
        print(emitted(self.group_id, now, published, {"review": self.store.review}))

    def tell(self, report: Report, address: str) -> None:
        """Send the message with its two links."""
        lines = list(report.lines)
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], f"… and {len(lines) - LINES + 1} more in the report"]
        message = custom(
            f"Redis {self.environment}: {report.title}",
            "\n".join(lines),
            [
                link(address, "The whole report"),
                link(f"{self.runbook}#{report.section}", "What to do"),
            ],
        )
        ask(self.sns.publish, "tell the channel", TopicArn=self.topic_arn, Message=message)


def desk(s3: Any, sns: Any) -> Desk:
    """The one of the function that runs."""
    return Desk.of(os.environ, s3, sns)
