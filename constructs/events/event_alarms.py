"""Alarms on ElastiCache's events: those that page, and those that nobody was told of."""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, Severity
from constructs.alarms.metrics import PublishedFigure, ServiceFigure

PERIOD = 300  # seconds


def event_alarm_specs(prefix: str) -> Iterator[AlarmSpec]:
    """Every alarm on events; ``prefix`` begins the names of the function and of its queue."""
    yield AlarmSpec(
        name="serious-event",
        severity=Severity.CRITICAL,
        figure=PublishedFigure("SeriousEvents"),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=1,
        missing="notBreaching",  # most hours have no event
        panel=None,
        means="ElastiCache reported something that nothing mends by itself, such as a snapshot or "
        "a change of size that failed. OK follows in minutes and says nothing.",
        first="Read ElastiCache's own words in the channel, just before this.",
        runbook="events",
    )
    yield AlarmSpec(
        name="event-errors",
        severity=Severity.WARNING,
        figure=ServiceFigure("AWS/Lambda", "Errors", "FunctionName", f"{prefix}-events", "Sum"),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=1,
        missing="notBreaching",
        panel=None,
        means="The function that passes ElastiCache's events on failed. Lambda tries twice more; "
        "what fails then is kept in the queue of unread events.",
        first="Read the last lines of the function's log.",
        runbook="events-unread",
    )
    yield AlarmSpec(
        name="events-unread",
        severity=Severity.WARNING,
        figure=ServiceFigure(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            f"{prefix}-events-unread",
            "Maximum",
        ),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=1,
        missing="notBreaching",  # SQS sends nothing of a queue that was idle for six hours
        panel=None,
        means="An event of ElastiCache or of a server reached nobody: it waits in the queue of "
        "unread events.",
        first="Read the messages in the queue: which event is it?",
        runbook="events-unread",
    )
