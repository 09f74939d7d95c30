"""Alarms on messages that SNS could not hand over: what is broken is told on the other way."""

from constructs.alarms.alarm_specs import AlarmSpec, Severity
from constructs.alarms.metrics import ServiceFigure

PERIOD = 300  # seconds
# The two topics share Slack: while it refuses, the very message that tells of it fails again. An
# hour's memory makes of that one page an hour, and not one every few minutes.
REMEMBERED = 12  # periods


def delivery_alarm_specs(prefix: str) -> list[AlarmSpec]:
    """One alarm for each topic of alarms; ``prefix`` begins the topics' names.

    SNS counts every refused attempt of an HTTPS delivery, retries too (SNS developer guide,
    "Monitoring Amazon SNS topics using CloudWatch"). The topic of ElastiCache's events needs none:
    what its one subscriber did not take waits in the queue of unread events.
    """
    return [
        _undelivered(
            "undelivered-pages",
            of=f"{prefix}-critical",
            told_by=Severity.WARNING,
            means="PagerDuty or Slack did not take a critical alarm's message: until this is "
            "mended, what should wake somebody may not.",
            first="Does PagerDuty's integration still exist, under the address in the secret?",
        ),
        _undelivered(
            "undelivered-warnings",
            of=f"{prefix}-warning",
            told_by=Severity.CRITICAL,
            means="Slack did not take a warning's message: until this is mended, warnings reach "
            "nobody, so this one pages.",
            first="Is the workspace still authorised in Chatbot's console?",
        ),
    ]


def _undelivered(name: str, *, of: str, told_by: Severity, means: str, first: str) -> AlarmSpec:
    return AlarmSpec(
        name=name,
        severity=told_by,
        figure=ServiceFigure("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", of, "Sum"),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=1,
        among=REMEMBERED,
        missing="notBreaching",  # SNS sends nothing of a topic that nothing is published to
        panel=None,
        means=means,
        first=first,
        runbook="undelivered",
    )
