"""The daily review of security updates (§7.1): each is reported when new and when it is due."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drawing.page import page
from reviews.report import Desk, Report, desk
from reviews.updates import ServiceUpdate, open_updates, updates_table
from shared.boto_config import client, no_debugging

REPORTED = "told.json"
SOON = timedelta(days=7)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was reported. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    return review(client("elasticache"), desk(), datetime.now(UTC))


def review(elasticache: Any, to: Desk, now: datetime) -> dict[str, Any]:
    """Report what was not reported yet, and record it."""
    waiting = [update for update in open_updates(elasticache, to.group_id) if update.security]
    reported = set(to.note(REPORTED) or [])
    occasions = dict(_occasions(waiting, now))
    new = dict.fromkeys(
        update for occasion, update in occasions.items() if occasion not in reported
    )
    if new:
        shown = to.deliver(_report(list(new), waiting, to, now), now)
    else:
        to.done(len(waiting), now)
        lines = [update.line(now) for update in waiting]
        shown = {"title": "nothing new", "lines": lines, "findings": len(waiting), "report": None}
    # What is applied or withdrawn is forgotten: the note never grows.
    to.put_note(REPORTED, sorted(occasions))
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
    todo = "Test it in staging today, then apply it in production: nodes are replaced one by one."
    about = f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC"
    parts = [updates_table(waiting, now)]
    return Report(
        title=f"{count} to be applied at once",
        lines=[*(update.line(now) for update in new), todo],
        page=page(f"Security updates of {to.group_id}", about, parts),
        findings=len(waiting),
        section="review-security-updates",
    )
