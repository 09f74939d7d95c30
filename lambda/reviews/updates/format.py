"""A service update as people read it, in a line of the channel and in a row of the page."""

from collections.abc import Sequence
from datetime import datetime

from reviews.updates.service_updates import ServiceUpdate
from shared.notification import plain
from shared.page import paragraph, table

HEADS = ("Update", "Severity", "Apply by", "Status", "What it is")


def line(update: ServiceUpdate, now: datetime) -> str:
    """For the channel."""
    what = "security update" if update.security else "update"
    return (
        f"*{plain(update.name)}*: {plain(update.severity)} {what}, {due(update, now)}, "
        f"{plain(update.status)} ({plain(update.nodes)} nodes)"
    )


def updates_table(updates: Sequence[ServiceUpdate], now: datetime) -> str:
    """For the page."""
    if not updates:
        return paragraph("None: every update that concerns the group has been applied.", "good")
    rows = [
        (
            update.name,
            f"{update.severity}{', security' if update.security else ''}",
            due(update, now),
            f"{update.status}, {update.nodes} nodes",
            update.description,
        )
        for update in updates
    ]
    return table(HEADS, rows, ["bad" if update.security else "note" for update in updates])


def due(update: ServiceUpdate, now: datetime) -> str:
    """Until when, and what happens then."""
    if update.apply_by is None:
        return "without a date"
    days = (update.apply_by - now).days
    left = f"in {days} days" if days >= 0 else f"{-days} days ago"
    then = "; AWS applies it after that" if update.by_itself else ""
    return f"by {update.apply_by:%Y-%m-%d}, {left}{then}"
