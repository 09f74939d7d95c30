"""The monthly review of updates (§7.1): service updates, engine versions, end of support.

Source: ElastiCache API reference, DescribeUpdateActions and DescribeServiceUpdates.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from drawing.page import heading, page, paragraph, table
from reviews.report import Desk, Report, desk
from shared.aws_calls import ask, every
from shared.boto_config import client, no_debugging
from shared.notification import plain

DONE = frozenset({"complete", "not-applicable"})
SEVERITIES = ("critical", "important", "medium", "low")
WARN = timedelta(days=365)  # before support ends
SHOWN = 3  # updates in the channel


@dataclass(frozen=True)
class ServiceUpdate:
    """One update; ``by_itself`` is whether AWS applies it after ``apply_by``.

    ``status`` is the group's update action's, ``nodes`` how many have it, as in 1/3.
    """

    name: str
    severity: str
    security: bool
    apply_by: datetime | None
    by_itself: bool
    description: str
    status: str
    nodes: str

    @property
    def urgency(self) -> tuple[bool, int, float]:
        """Sorts what cannot wait to the front."""
        rank = (*SEVERITIES, self.severity).index(self.severity)
        return not self.security, rank, self.apply_by.timestamp() if self.apply_by else 0.0

    def words(self, now: datetime) -> str:
        """One line: what it is, until when, and what happens then."""
        what, due = "security update" if self.security else "update", "without a date"
        if self.apply_by:
            days = (self.apply_by - now).days
            left = f"in {days} days" if days >= 0 else f"{-days} days ago"
            then = "; AWS applies it after that" if self.by_itself else ""
            due = f"by {self.apply_by:%Y-%m-%d}, {left}{then}"
        return f"{self.severity} {what}, {due}, {self.status} ({self.nodes} nodes)"

    def line(self, now: datetime) -> str:
        """The same for the channel."""
        return f"*{plain(self.name)}*: {plain(self.words(now))}"


@dataclass(frozen=True)
class Version:
    """``numbers`` order versions of one engine."""

    engine: str
    text: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """6.2.6 as (6, 2, 6); what is no number counts as 0."""
        return tuple(int(part) if part.isdigit() else 0 for part in self.text.split("."))

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{'Redis' if self.engine == 'redis' else self.engine.title()} {self.text}"


PATCH = "patch: applied by AWS in the maintenance window"
MINOR = "minor version: test in staging, then upgrade in place"
MAJOR = "major version: test in full, then upgrade in place"
ENGINE = "another engine, upgraded to in place; a new parameter group in the same change"


@dataclass(frozen=True)
class Support:
    """The end of an engine's standard support, and what it costs to stay.

    ``monthly`` is what the group's nodes cost in US dollars now; ``percent`` is on top, by year.
    ``price`` says of where and when the price is.
    """

    engine: str
    ends: date | None
    monthly: float | None
    percent: Sequence[float]
    price: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Raises KeyError or TypeError if the template does not fit this code."""
        given = json.loads(variables["SUPPORT"])
        return cls(**given | {"ends": given["ends"] and date.fromisoformat(given["ends"])})

    def needs_a_person(self, today: date) -> bool:
        """Whether the end is near or past."""
        return self.ends is not None and self.ends - today <= WARN

    def words(self, today: date) -> str:
        """One paragraph, the price in it."""
        if self.ends is None:
            return f"{self.engine}: AWS has announced no end of its standard support."
        days = (self.ends - today).days
        when, then = ("leaves", "then bills") if days >= 0 else ("left", "bills")
        left = f"in {days} days" if days >= 0 else f"{-days} days ago"
        begins = self.ends + timedelta(days=1)
        prices = [
            # No anniversary of a 29 February: support ends with a month or a quarter.
            f"from {begins.replace(year=begins.year + year)} {self._on_top(percent)}"
            for year, percent in enumerate(self.percent)
            if year == 0 or percent != self.percent[year - 1]
        ]
        total = "" if self.monthly is None else f" ({self.price})"
        return (
            f"{self.engine} {when} standard support on {self.ends}, {left}. AWS {then} "
            f"Extended Support by itself, without asking: {', '.join(prices)}{total}."
        )

    def _on_top(self, percent: float) -> str:
        if self.monthly is None:
            return f"{percent:g} % on top of the nodes' price"
        more = self.monthly * percent / 100
        return f"${more:,.0f} per month on top of ${self.monthly:,.0f} (+{percent:g} %)"


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    return review(client("elasticache"), Support.read(os.environ), desk(), datetime.now(UTC))


def review(elasticache: Any, support: Support, to: Desk, now: datetime) -> dict[str, Any]:
    """Read, and report."""
    updates, today = open_updates(elasticache, to.group_id), now.date()
    current = running(elasticache, to.group_id)
    offered = newer(elasticache, max(current, key=lambda one: one.numbers))
    runs = " and ".join(dict.fromkeys(one.name for one in current))  # two: an upgrade is half-way
    ending = support.needs_a_person(today)

    def lines() -> Iterator[str]:
        yield from (update.line(now) for update in updates[:SHOWN])
        if more := updates[SHOWN:]:
            yield f"… and {len(more)} more updates in the report"
        if not updates:
            yield "Service updates: none waits."
        there = ", ".join(one.name for one in offered.values()) or "nothing newer"
        yield f"Runs {plain(runs)}; offered: {plain(there)}."
        if ending:
            yield plain(support.words(today))

    def parts() -> Iterator[str]:
        yield heading("Service updates that wait")
        yield updates_table(updates, now)
        yield heading("Engine version")
        yield paragraph(f"Every node runs {runs}.")
        if steps := [(version.name, step) for step, version in offered.items()]:
            yield table(("Newer", "What kind of step"), steps)
        else:
            yield paragraph("ElastiCache offers nothing newer.", "good")
        yield heading("Standard support")
        yield paragraph(support.words(today), "bad" if ending else "")

    waiting = f"{len(updates)} update{'' if len(updates) == 1 else 's'} to apply"
    found = [waiting] * bool(updates) + ["standard support ends"] * ending
    about = f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC"
    made = Report(
        title=f"updates of the month, {' and '.join(found) or 'nothing to apply'}",
        lines=list(lines()),
        page=page(f"Updates of {to.group_id}", about, parts()),
        findings=len(updates) + ending,
        section="review-updates",
    )
    return to.deliver(made, now)


def updates_table(updates: Sequence[ServiceUpdate], now: datetime) -> str:
    """For the page."""
    if not updates:
        return paragraph("None: every update that concerns the group has been applied.", "good")
    rows = [(update.name, update.words(now), update.description) for update in updates]
    kinds = ["bad" if update.security else "note" for update in updates]
    return table(("Update", "Urgency and status", "What it is"), rows, kinds)


def open_updates(elasticache: Any, group_id: str) -> list[ServiceUpdate]:
    """What is still to be applied, the most urgent first. Raises what ``ask`` raises."""
    available = {"ServiceUpdateStatus": ["available"]}
    listed = every(elasticache.describe_service_updates, "ServiceUpdates", **available)
    about = {update["ServiceUpdateName"]: update for update in listed}
    of_group: dict[str, Any] = {"ReplicationGroupIds": [group_id], **available}
    actions = every(elasticache.describe_update_actions, "UpdateActions", **of_group)
    updates = [
        _update(action, about.get(action["ServiceUpdateName"], {}))
        for action in actions
        if action["UpdateActionStatus"] not in DONE
    ]
    return sorted(updates, key=lambda update: update.urgency)


def _update(action: Mapping[str, Any], about: Mapping[str, Any]) -> ServiceUpdate:
    return ServiceUpdate(
        name=action["ServiceUpdateName"],
        severity=action.get("ServiceUpdateSeverity", "unknown"),
        security=action.get("ServiceUpdateType") == "security-update",
        apply_by=action.get("ServiceUpdateRecommendedApplyByDate"),
        by_itself=about.get("AutoUpdateAfterRecommendedApplyByDate", False),
        description=about.get("ServiceUpdateDescription", ""),
        status=action["UpdateActionStatus"],
        nodes=action.get("NodesUpdated", ""),
    )


def running(elasticache: Any, group_id: str) -> list[Version]:
    """What each node runs. Raises what ``ask`` raises."""
    groups, nodes = elasticache.describe_replication_groups, elasticache.describe_cache_clusters
    (group,) = ask(groups, ReplicationGroupId=group_id)["ReplicationGroups"]
    return [
        Version(node["Engine"], node["EngineVersion"])
        for member in group.get("MemberClusters", [])
        for node in ask(nodes, CacheClusterId=member)["CacheClusters"]
    ]


def newer(elasticache: Any, current: Version) -> dict[str, Version]:
    """The newest version of each kind of step, nearest first. Raises what ``ask`` raises."""
    listing = elasticache.describe_cache_engine_versions, "CacheEngineVersions"
    offered = [
        Version(found["Engine"], found["EngineVersion"])
        for engine in dict.fromkeys((current.engine, "valkey"))
        for found in every(*listing, Engine=engine)
    ]
    newest = {
        _step(current, version): version for version in sorted(offered, key=lambda one: one.numbers)
    }
    return {step: newest[step] for step in (PATCH, MINOR, MAJOR, ENGINE) if step in newest}


def _step(current: Version, other: Version) -> str | None:
    if other.engine != current.engine:
        return ENGINE
    if other.numbers <= current.numbers:
        return None
    for length, step in ((2, PATCH), (1, MINOR)):
        if other.numbers[:length] == current.numbers[:length]:
            return step
    return MAJOR
