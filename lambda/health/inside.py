"""The part within the VPC: the token, logins, a write and a read. Called by ``handler`` alone."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from health.desired import Inside
from health.probe import LOGIN, check_logins, check_service
from health.questions import QUESTIONS, answers
from health.token import TOKEN, check_token
from shared.boto_config import CALLS, no_debugging
from shared.group import Group
from shared.line import Line, lines_of
from shared.secret import Secret


def handler(event: dict[str, Any], _context: object) -> list[dict[str, Any]]:
    """The lines of the checks that need Redis or its token, or the answers to a fixed question."""
    no_debugging()
    if (question := event.get("ask")) in QUESTIONS:
        _, secret, group = made_once()
        token = secret.token(secret.versions().current)
        return list(answers(question, group.describe().endpoints, token))
    return [line.document() for line in check(*made_once(), datetime.now(UTC))]


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


@cache
def made_once() -> tuple[Inside, Secret, Group]:
    """The settings and the clients of this container."""
    settings = Inside.read(os.environ)
    return (
        settings,
        Secret(boto3.client("secretsmanager", config=CALLS), settings.secret_arn),
        Group(boto3.client("elasticache", config=CALLS), settings.group_id),
    )
