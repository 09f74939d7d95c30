"""The weekly review of the configuration (§7.3): drift, access, what is unused or unencrypted."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Self

import boto3

from reviews.configuration.access import SECTION as ACCESS
from reviews.configuration.access import (
    check_resource_policies,
    check_roles,
    check_rules,
    documents_of,
)
from reviews.configuration.drift import SECTION as DRIFT
from reviews.configuration.drift import check_drift, patience
from reviews.configuration.leftovers import (
    PARAMETERS,
    UNENCRYPTED,
    UNUSED,
    check_encrypted,
    check_logs,
    check_parameters,
    check_unused,
)
from reviews.configuration.stacks import Stacks, read_stacks
from shared.boto_config import CALLS, no_debugging
from shared.line import Line, lines_of
from shared.notification import plain
from shared.page import Link, folded, heading, page, paragraph, table
from shared.report import Desk, Report, desk

SERVICES = (
    "cloudformation",
    "ec2",
    "elasticache",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
)
# What lets somebody in comes before what costs or clutters.
_ORDER = (ACCESS, UNENCRYPTED, DRIFT, PARAMETERS, UNUSED)
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
        told = json.loads(variables["OURS"])
        return cls(**{**told, "stacks": tuple(told["stacks"]), "logs": tuple(told["logs"])})


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm tells."""
    no_debugging()
    return review(*made_once(), datetime.now(UTC))


def review(clients: Mapping[str, Any], ours: Ours, to: Desk, now: datetime) -> dict[str, Any]:
    """Check, write and tell. Without the stacks there is nothing to check: that raises."""
    stacks = read_stacks(clients["cloudformation"], ours.stacks)
    lines = list(check(clients, ours, stacks, to.group_id, now))
    return to.deliver(report(lines, to, now), now)


def check(
    clients: Mapping[str, Any], ours: Ours, stacks: Stacks, group_id: str, now: datetime
) -> Iterator[Line]:
    """Every line; what AWS refuses to show is a failed one."""
    pauses = patience()
    for stack in ours.stacks:
        yield from lines_of(
            f"drift of {stack}",
            DRIFT,
            partial(check_drift, clients["cloudformation"], stacks, stack, pauses),
        )
    cache_, ec2 = clients["elasticache"], clients["ec2"]
    yield from lines_of("parameters", PARAMETERS, lambda: check_parameters(cache_, stacks))
    yield from lines_of("security groups", ACCESS, lambda: check_rules(ec2, stacks))
    for name, document in documents_of(clients, stacks).items():
        yield from lines_of(
            f"policy of {name}",
            ACCESS,
            partial(check_resource_policies, {name: document}, ours.account),
        )
    yield from lines_of("roles", ACCESS, lambda: check_roles(clients["iam"], stacks))
    yield from lines_of(
        "unused",
        UNUSED,
        lambda: check_unused(cache_, ec2, stacks, ours.prefix, group_id, now),
    )
    yield from lines_of(
        "logs", UNUSED, lambda: check_logs(clients["logs"], stacks, list(ours.logs))
    )
    yield from lines_of(
        "encryption", UNENCRYPTED, lambda: check_encrypted(clients, stacks, ours.key_arn)
    )


def report(lines: Sequence[Line], to: Desk, now: datetime) -> Report:
    """Findings first; what passed is folded away."""
    wrong = sorted(
        (line for line in lines if not line.passed), key=lambda line: _ORDER.index(line.section)
    )
    count = f"{len(wrong)} finding{'' if len(wrong) == 1 else 's'}" if wrong else "nothing found"
    shown = [_shown(line) for line in wrong]
    return Report(
        title=f"configuration of the week, {count}",
        lines=shown or [f"{len(lines)} checks, all as the templates ask."],
        page=page(
            f"Configuration of {to.group_id}",
            f"{to.environment}, {now:%Y-%m-%d %H:%M} UTC, {len(lines)} checks",
            _parts(lines, wrong, to),
        ),
        findings=len(wrong),
        section="review-configuration",
    )


_LONGEST = 100  # characters of a value in the channel


def _shown(line: Line) -> str:
    found, wanted = (
        plain(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
        for text in (line.found, line.wanted)
    )
    return f"• {plain(line.name)}: {found} (wanted: {wanted})"


def _parts(lines: Sequence[Line], wrong: Sequence[Line], to: Desk) -> Iterator[str]:
    if wrong:
        yield heading("To look at")
        yield table(HEADS, [_row(line, to) for line in wrong], ["bad"] * len(wrong))
    else:
        yield paragraph("Nothing: all is as the templates ask.", "good")
    passed = [line for line in lines if line.passed]
    if passed:
        yield folded(
            f"{len(passed)} checks passed",
            [table(HEADS[:2], [(line.name, line.found) for line in passed])],
        )


def _row(line: Line, to: Desk) -> tuple[str, str, str, Link]:
    there = Link(f"{to.runbook}#{line.section}", line.section.removeprefix("review-"))
    return line.name, line.found, line.wanted, there


@cache
def made_once() -> tuple[dict[str, Any], Ours, Desk]:
    """The clients, the names and the desk of this container."""
    clients = {name: boto3.client(name, config=CALLS) for name in SERVICES}
    return clients, Ours.read(os.environ), desk(clients["s3"], clients["sns"])
