"""The daily review of security updates (§7.1): each is reported when new and when it is due."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3

from drawing.page import page
from reviews.updates.format import line, updates_table
from reviews.updates.service_updates import ServiceUpdate, open_updates
from shared.boto_config import CALLS, no_debugging
from shared.report import Desk, Report, desk

TOLD = "told.json"
SOON = timedelta(days=7)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was reported. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    return review(*made_once(), datetime.now(UTC))


def review(elasticache: Any, to: Desk, now: datetime) -> dict[str, Any]:
    """Report what was not reported yet, and record it."""
    waiting = [update for update in open_updates(elasticache, to.group_id) if update.security]
    told = set(to.store.note(TOLD) or [])
    occasions = dict(_occasions(waiting, now))
    new = [update for occasion, update in occasions.items() if occasion not in told]
    if new:
        shown = to.deliver(_report(list(dict.fromkeys(new)), waiting, to, now), now)
    else:
        to.done(len(waiting), now)
        lines = [line(update, now) for update in waiting]
        shown = {"title": "nothing new", "lines": lines, "findings": len(waiting), "report": None}
    # What is applied or withdrawn is forgotten: the note never grows.
    to.store.put_note(TOLD, sorted(occasions))
    return shown


def _occasions(
    waiting: Sequence[ServiceUpdate], now: datetime
) -> Iterator[tuple[str, ServiceUpdate]]:
    for update in waiting:
        yield f"{update.name} is new", update
        if update.apply_by and update.apply_by - now <= SOON:
            yield f"{update.name} is due", update


def _report(
    new: Sequence[ServiceUpdate], waiting: Sequence[ServiceUpdate], to: Desk, now: datetime
) -> Report:
    count = "a security update waits" if len(new) == 1 else f"{len(new)} security updates wait"
    return Report(
        title=f"{count} to be applied at once",
        lines=[
            *(line(update, now) for update in new),
            "Test it in staging today, then apply it in production: nodes are replaced one by one.",
        ],
        page=page(
            f"Security updates of {to.group_id}",
            f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC",
            [updates_table(waiting, now)],
        ),
        findings=len(waiting),
        section="review-security-updates",
    )


@cache
def made_once() -> tuple[Any, Desk]:
    """The client and the desk of this container."""
    return boto3.client("elasticache", config=CALLS), desk(
        boto3.client("s3", config=CALLS), boto3.client("sns", config=CALLS)
    )
