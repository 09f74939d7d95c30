"""The part within the VPC: the token, logins, a write and a read. Called by ``handler`` alone."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from health.desired import Inside
from health.probe import LOGIN, QUESTIONS, answers, check_logins, check_service
from shared.auth_token import AuthToken
from shared.boto_config import client, no_debugging
from shared.group import Group
from shared.line import Line, lines_of
from shared.secret import Secret
from shared.versions import Versions

TOKEN = "health-token"  # noqa: S105 - a section of the runbook

_DAY = timedelta(days=1)


def check_token(
    found: Versions, current: AuthToken, settings: Inside, now: datetime
) -> Iterator[Line]:
    """A rotation under way is healthy; one that is late is not."""
    age = now - current.created
    yield Line(
        "token: age",
        age <= timedelta(days=settings.oldest_token_days),
        f"{age / _DAY:.1f} days",
        f"at most {settings.oldest_token_days} days",
        TOKEN,
    )
    state, since = _state(found, settings, now)
    yield Line(
        "token: state",
        now - since <= timedelta(hours=settings.late_hours),
        f"{state}, since {since:%Y-%m-%d %H:%M} UTC" if since < now else state,
        f"nothing late by over {settings.late_hours} hours",
        TOKEN,
    )


def _state(found: Versions, settings: Inside, now: datetime) -> tuple[str, datetime]:
    """The rotation's state, and since when that is late."""
    if found.unfinished_since:
        return "a rotation is unfinished", found.unfinished_since
    if not found.retired(now, timedelta(hours=settings.retire_after_hours)):
        return "the old token is to be retired", now
    return "one token, no rotation under way", now


def handler(event: dict[str, Any], _context: object) -> list[dict[str, Any]]:
    """The lines of the checks that need Redis or its token, or the answers to a fixed question."""
    no_debugging()
    settings = Inside.read(os.environ)
    secret = Secret(client("secretsmanager"), settings.secret_arn)
    group = Group(client("elasticache"), settings.group_id)
    if (question := event.get("ask")) in QUESTIONS:
        token = secret.token(secret.versions().current)
        nodes = map(group.node, group.describe().members)
        return list(answers(question, filter(None, nodes), token))
    lines = check(settings, secret, group, datetime.now(UTC))
    return [asdict(line) for line in lines]


def check(settings: Inside, secret: Secret, group: Group, now: datetime) -> Iterator[Line]:
    """Every line; one that cannot be asked about is a failed one."""
    yield from lines_of("token", TOKEN, lambda: _token(settings, secret, now))
    yield from lines_of("login", LOGIN, lambda: _redis(settings, secret, group))


def _token(settings: Inside, secret: Secret, now: datetime) -> Iterator[Line]:
    found = secret.versions()
    yield from check_token(found, secret.token(found.current), settings, now)


def _redis(settings: Inside, secret: Secret, group: Group) -> Iterator[Line]:
    current = secret.token(secret.versions().current)
    endpoints = group.describe().endpoints
    yield from check_logins(endpoints, current)
    yield from check_service(endpoints, current, settings)
