"""The monthly review of updates (§7.1): service updates, engine versions, end of support."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from drawing.page import heading, page, paragraph, table
from reviews.report import Desk, Report, desk
from reviews.updates import versions
from reviews.updates.service_updates import ServiceUpdate, line, open_updates, updates_table
from reviews.updates.support import Support
from reviews.updates.versions import Newer, Version
from shared.boto_config import client, no_debugging
from shared.notification import plain

SECTION = "review-updates"


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm tells."""
    no_debugging()
    support = Support.read(os.environ)
    return review(client("elasticache"), support, desk(), datetime.now(UTC))


def review(elasticache: Any, support: Support, to: Desk, now: datetime) -> dict[str, Any]:
    """Ask, write and tell."""
    updates = open_updates(elasticache, to.group_id)
    running = versions.running(elasticache, to.group_id)
    newer = versions.newer(elasticache, max(running, key=lambda one: one.numbers))
    ending = support.needs_a_person(now.date())
    return to.deliver(
        Report(
            title=_title(len(updates), ending),
            lines=list(_lines(updates, running, newer, support, now)),
            page=page(
                f"Updates of {to.group_id}",
                f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC",
                _parts(updates, running, newer, support, now),
            ),
            findings=len(updates) + ending,
            section=SECTION,
        ),
        now,
    )


def _title(updates: int, ending: bool) -> str:
    waiting = f"{updates} update{'' if updates == 1 else 's'} to apply" if updates else ""
    found = [part for part in (waiting, "standard support ends" if ending else "") if part]
    return f"updates of the month, {' and '.join(found) or 'nothing to apply'}"


def _lines(
    updates: list[ServiceUpdate],
    running: list[Version],
    newer: list[Newer],
    support: Support,
    now: datetime,
) -> Iterator[str]:
    yield from (line(update, now) for update in updates[:3])
    if len(updates) > 3:
        yield f"… and {len(updates) - 3} more updates in the report"
    if not updates:
        yield "Service updates: none waits."
    there = ", ".join(one.version.name for one in newer) or "nothing newer"
    yield f"Runs {plain(versions.words(running))}; offered: {plain(there)}."
    if support.needs_a_person(now.date()):
        yield plain(support.words(now.date()))


def _parts(
    updates: list[ServiceUpdate],
    running: list[Version],
    newer: list[Newer],
    support: Support,
    now: datetime,
) -> Iterator[str]:
    yield heading("Service updates that wait")
    yield updates_table(updates, now)
    yield heading("Engine version")
    yield paragraph(f"Every node runs {versions.words(running)}.")
    if newer:
        yield table(("Newer", "What kind of step"), [(o.version.name, o.step) for o in newer])
    else:
        yield paragraph("ElastiCache offers nothing newer.", "good")
    yield heading("Standard support")
    near = support.needs_a_person(now.date())
    yield paragraph(support.words(now.date()), "bad" if near else "")
