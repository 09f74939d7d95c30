"""The function that CI and the schedule invoke: asks AWS, has ``inside`` ask Redis, and reports.

Answers with one document. On the schedule, ``{"scheduled": true}``, it also publishes how many
checks failed, how many of them at logins, and that it ran: three alarms look at that.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from health.cache import GROUP, PARAMETERS, check_group, check_parameters
from health.desired import Desired
from health.monitoring import ALARMS, TOPICS, check_alarms, check_topics
from health.probe import LOGIN
from health.questions import QUESTIONS
from health.user import USER, check_user
from shared.aws_calls import ask
from shared.boto_config import CALLS, no_debugging
from shared.emf import emitted
from shared.line import Line, lines_of

INSIDE_SECONDS = 45  # a little more than the function within may take
# A second invocation would only wait behind the first.
_PATIENT = Config(connect_timeout=3, read_timeout=INSIDE_SECONDS, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Tools:
    """Clients of what is asked, and the name of the function within the VPC."""

    elasticache: Any
    cloudwatch: Any
    sns: Any
    lambda_: Any
    inside: str


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The document: ``passed`` and a line a check, or the answers to a fixed question."""
    no_debugging()
    desired, tools = made_once()
    if (question := event.get("ask")) in QUESTIONS:
        return {"group": desired.group_id, "answers": _told(tools, {"ask": question})}
    now = datetime.now(UTC)
    lines = list(check(desired, tools, now))
    if event.get("scheduled") is True:
        print(published(desired, lines, now))
    return document(desired, lines, now)


def check(desired: Desired, tools: Tools, now: datetime) -> Iterator[Line]:
    """Every line; one that cannot be asked about is a failed one."""
    yield from lines_of("group", GROUP, lambda: check_group(tools.elasticache, desired))
    yield from lines_of("user", USER, lambda: check_user(tools.elasticache, desired))
    yield from lines_of(
        "parameters", PARAMETERS, lambda: check_parameters(tools.elasticache, desired)
    )
    yield from lines_of("inside", LOGIN, lambda: _inside(tools))
    yield from lines_of("alarms", ALARMS, lambda: check_alarms(tools.cloudwatch, desired, now))
    yield from lines_of("topics", TOPICS, lambda: check_topics(tools.sns, desired))


def document(desired: Desired, lines: list[Line], now: datetime) -> dict[str, Any]:
    """What CI reads and ``make health`` shows."""
    return {
        "group": desired.group_id,
        "time": now.isoformat(timespec="seconds"),
        "passed": bool(lines) and all(line.passed for line in lines),
        "checks": [
            {
                "name": line.name,
                "passed": line.passed,
                "found": line.found,
                "wanted": line.wanted,
                "todo": f"{desired.runbook}#{line.section}",
            }
            for line in lines
        ],
    }


def published(desired: Desired, lines: list[Line], now: datetime) -> str:
    """The line of log that alarms look at."""
    failed = [line for line in lines if not line.passed]
    figures = {
        "HealthCheckRan": 1.0,
        "HealthChecksFailed": float(len(failed)),
        "HealthLoginsFailed": float(sum(line.section == LOGIN for line in failed)),
    }
    return emitted(desired.group_id, now, figures, {"failed": [line.name for line in failed]})


def _inside(tools: Tools) -> Iterator[Line]:
    told = _told(tools, {})
    if not told:
        yield Line("inside", False, "the login function failed", "its lines", LOGIN)
    for line in told:
        yield Line(**line)


def _told(tools: Tools, event: dict[str, Any]) -> list[dict[str, Any]]:
    """What the function within answers; nothing where it failed: its message stays in its log."""
    answer = ask(
        tools.lambda_.invoke,
        "invoke the login function",
        FunctionName=tools.inside,
        Payload=json.dumps(event).encode(),
    )
    # It comes over the network too, after the call: a break here is a failure as well.
    told = json.loads(ask(answer["Payload"].read, "read what the login function says"))
    return told if "FunctionError" not in answer and isinstance(told, list) else []


@cache
def made_once() -> tuple[Desired, Tools]:
    """The settings and the clients of this container."""
    return Desired.read(os.environ), Tools(
        elasticache=boto3.client("elasticache", config=CALLS),
        cloudwatch=boto3.client("cloudwatch", config=CALLS),
        sns=boto3.client("sns", config=CALLS),
        lambda_=boto3.client("lambda", config=_PATIENT),
        inside=os.environ["INSIDE_FUNCTION"],
    )
