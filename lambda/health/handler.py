"""The function that CI and the schedule invoke: asks AWS, has ``inside`` ask Redis, and reports.

Answers with one document. On the schedule, ``{"scheduled": true}``, it also publishes how many
checks failed, how many of them at logins, and that it ran: three alarms look at that.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from health.cache import GROUP, PARAMETERS, check_group, check_parameters
from health.desired import Desired
from health.monitoring import ALARMS, TOPICS, check_alarms, check_topics
from health.probe import LOGIN, QUESTIONS
from health.user import USER, check_user
from shared.aws_calls import ask
from shared.boto_config import client, no_debugging
from shared.emf import emitted
from shared.line import Line, lines_of

INSIDE_SECONDS = 45  # a little more than the function within may take

Clients = Callable[[str], Any]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The document: ``passed`` and one line per check, or the answers to a fixed question."""
    no_debugging()
    desired, inside = Desired.read(os.environ), os.environ["INSIDE_FUNCTION"]
    now = datetime.now(UTC)
    if (question := event.get("ask")) in QUESTIONS:
        answered = _answer_of(clients("lambda"), inside, {"ask": question})
        return {"group": desired.group_id, "answers": answered}
    lines = list(check(desired, clients, inside, now))
    if event.get("scheduled") is True:
        print(published(desired, lines, now))
    return document(desired, lines, now)


def clients(service: str) -> Any:
    """A second invocation of the function within would only wait behind the first."""
    return client(service, once=INSIDE_SECONDS if service == "lambda" else None)


def check(desired: Desired, aws: Clients, inside: str, now: datetime) -> Iterator[Line]:
    """Every line; one that cannot be asked about is a failed one. ``aws``: clients by service."""
    cache, cloudwatch, sns = (aws(name) for name in ("elasticache", "cloudwatch", "sns"))
    yield from lines_of("group", GROUP, lambda: check_group(cache, desired))
    yield from lines_of("user", USER, lambda: check_user(cache, desired))
    yield from lines_of("parameters", PARAMETERS, lambda: check_parameters(cache, desired))
    yield from lines_of("inside", LOGIN, lambda: _inside(aws("lambda"), inside))
    yield from lines_of("alarms", ALARMS, lambda: check_alarms(cloudwatch, desired, now))
    yield from lines_of("topics", TOPICS, lambda: check_topics(sns, desired))


def document(desired: Desired, lines: list[Line], now: datetime) -> dict[str, Any]:
    """What CI reads and ``make health`` shows."""
    checks = [asdict(line) for line in lines]
    for one in checks:
        one["todo"] = f"{desired.runbook}#{one.pop('section')}"
    return {
        "group": desired.group_id,
        "time": now.isoformat(timespec="seconds"),
        "passed": bool(lines) and all(line.passed for line in lines),
        "checks": checks,
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


def _inside(functions: Any, name: str) -> Iterator[Line]:
    answered = _answer_of(functions, name, {})
    if not answered:
        yield Line("inside", False, "the login function failed", "its lines", LOGIN)
    for line in answered:
        yield Line(**line)


def _answer_of(functions: Any, name: str, event: dict[str, Any]) -> list[dict[str, Any]]:
    """What the function within answers; nothing where it failed: its message stays in its log."""
    answer = ask(functions.invoke, FunctionName=name, Payload=json.dumps(event).encode())

    # It comes over the network too, after the call: a break here is a failure as well.
    def answer_of_login_function() -> Any:
        return answer["Payload"].read()

    answered = json.loads(ask(answer_of_login_function))
    return answered if "FunctionError" not in answer and isinstance(answered, list) else []
