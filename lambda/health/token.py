"""The age of the AUTH token, and the state of its rotation."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from health.desired import Inside
from shared.auth_token import AuthToken
from shared.line import Line
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
        age <= settings.oldest_token,
        f"{age / _DAY:.1f} days",
        f"at most {settings.oldest_token / _DAY:g} days",
        TOKEN,
    )
    state, since = _state(found, settings, now)
    yield Line(
        "token: state",
        now - since <= settings.late,
        f"{state}, since {since:%Y-%m-%d %H:%M} UTC" if since < now else state,
        f"nothing late by over {settings.late / timedelta(hours=1):g} hours",
        TOKEN,
    )


def _state(found: Versions, settings: Inside, now: datetime) -> tuple[str, datetime]:
    """The state, and since when it is late."""
    if found.unfinished_since:
        return "a rotation is unfinished", found.unfinished_since
    if not found.retired(now, settings.retire_after):
        return "the old token is to be retired", now
    return "one token, no rotation under way", now
