"""The weekly review of the configuration (§7.3): drift, access, what is unused or unencrypted."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from drawing.page import Link, folded, heading, page, paragraph, table
from reviews.configuration import access, drift, leftovers
from reviews.configuration.access import Clients
from reviews.configuration.drift import Stacks
from reviews.configuration.leftovers import PARAMETERS, UNENCRYPTED, UNUSED
from reviews.report import Desk, Report, desk
from shared.boto_config import client, no_debugging
from shared.line import Line, lines_of
from shared.notification import plain

# What lets somebody in comes before what costs or clutters.
_ORDER = (access.SECTION, UNENCRYPTED, drift.SECTION, PARAMETERS, UNUSED)
_LONGEST = 100  # characters of a value in the channel
HEADS = ("What", "Found", "Wanted", "What to do")


@dataclass(frozen=True)
class Ours:
    """Names of what is ours; ``logs`` are what the names of log groups begin with."""

    stacks: tuple[str, ...]
    prefix: str
    account: str
    key_arn: str
    logs: tuple[str, ...]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Raises KeyError or TypeError if the template does not fit this code."""
        given = json.loads(variables["OURS"])
        return cls(**{**given, "stacks": tuple(given["stacks"]), "logs": tuple(given["logs"])})


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    return review(client, Ours.read(os.environ), desk(), datetime.now(UTC))


def review(aws: Clients, ours: Ours, to: Desk, now: datetime) -> dict[str, Any]:
    """Check and report. Without the stacks there is nothing to check: that raises."""
    stacks = drift.read_stacks(aws("cloudformation"), ours.stacks)
    lines = list(check(aws, ours, stacks, to.group_id, now))
    return to.deliver(report(lines, to, now), now)


def check(aws: Clients, ours: Ours, stacks: Stacks, group_id: str, now: datetime) -> Iterator[Line]:
    """Every line; what AWS refuses to show is a failed one."""
    pauses, cache, ec2 = drift.patience(), aws("elasticache"), aws("ec2")
    left, key = (ours.prefix, group_id, now), ours.key_arn
    others: list[tuple[str, str, Callable[[], Iterable[Line]]]] = [
        ("parameters", PARAMETERS, lambda: leftovers.check_parameters(cache, stacks)),
        ("security groups", access.SECTION, lambda: access.check_rules(ec2, stacks)),
        ("roles", access.SECTION, lambda: access.check_roles(aws("iam"), stacks)),
        ("unused", UNUSED, lambda: leftovers.check_unused(cache, ec2, stacks, *left)),
        ("logs", UNUSED, lambda: leftovers.check_logs(aws("logs"), stacks, ours.logs)),
        ("encryption", UNENCRYPTED, lambda: leftovers.check_encrypted(aws, stacks, key)),
    ]
    for stack in ours.stacks:
        checked = partial(drift.check_drift, aws("cloudformation"), stacks, stack, pauses)
        yield from lines_of(f"drift of {stack}", drift.SECTION, checked)
    for name, read in access.policies_of(aws, stacks).items():
        checked = partial(access.check_policy, name, read, ours.account)
        yield from lines_of(f"policy of {name}", access.SECTION, checked)
    for name, section, check_all in others:
        yield from lines_of(name, section, check_all)


def report(lines: Sequence[Line], to: Desk, now: datetime) -> Report:
    """Findings first; what passed is folded away."""
    wrong = [line for section in _ORDER for line in lines if line.section == section]
    wrong = [line for line in wrong if not line.passed]
    count = f"{len(wrong)} finding{'' if len(wrong) == 1 else 's'}" if wrong else "nothing found"
    about = f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC, {len(lines)} checks"
    return Report(
        title=f"configuration of the week, {count}",
        lines=[*map(_shown, wrong)] or [f"{len(lines)} checks, all as the templates ask."],
        page=page(f"Configuration of {to.group_id}", about, _parts(lines, wrong, to)),
        findings=len(wrong),
        section="review-configuration",
    )


def _shown(line: Line) -> str:
    found, wanted = (
        plain(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
        for text in (line.found, line.wanted)
    )
    return f"• {plain(line.name)}: {found} (wanted: {wanted})"


def _parts(lines: Sequence[Line], wrong: Sequence[Line], to: Desk) -> Iterator[str]:
    if wrong:
        yield heading("To look at")
        rows = [
            (
                *(line.name, line.found, line.wanted),
                Link(f"{to.runbook}#{line.section}", line.section.removeprefix("review-")),
            )
            for line in wrong
        ]
        yield table(HEADS, rows, ["bad"] * len(wrong))
    else:
        yield paragraph("Nothing: all is as the templates ask.", "good")
    if passed := [(line.name, line.found) for line in lines if line.passed]:
        yield folded(f"{len(passed)} checks passed", [table(HEADS[:2], passed)])
