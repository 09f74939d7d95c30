"""Acknowledgements: what a change says, by name and with a reason, of what it is known to do.

They stand in docs/acknowledged.toml. One counts only for the change that adds it: what the base's
file holds already is spent, and the difference that it names must be the one that is reviewed. So
an old one never covers a later change, not even the same change made twice.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tools.review.errors import ReviewError
from tools.review.findings import Finding, What

FILE = "docs/acknowledged.toml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]


class Acknowledgement(BaseModel):
    """One entry. ``difference`` is what the review printed beside the finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Text
    stack: Text
    resource: Text
    what: What
    difference: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    reason: Reason

    @property
    def name(self) -> tuple[str, str, str]:
        """As a finding's."""
        return (self.stack, self.resource, self.what.value)


@dataclass(frozen=True)
class Answered:
    """Findings with the acknowledgement that covers each, and what is wrong with the others."""

    covered: dict[tuple[str, str, str], Acknowledgement]
    problems: tuple[str, ...]


def parse(text: str) -> list[Acknowledgement]:
    """The entries of a file's text; ReviewError says where one is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ReviewError(f"{FILE}: is not TOML: {problem}") from None
    unknown = sorted(document.keys() - {"acknowledged"})
    if unknown:
        raise ReviewError(f"{FILE}: {unknown[0]}: unknown key. Write [[acknowledged]].")
    entries = document.get("acknowledged", [])
    if not isinstance(entries, list):
        raise ReviewError(f"{FILE}: acknowledged is one table. Write [[acknowledged]] for each.")
    return [_entry(number, entry) for number, entry in enumerate(entries, 1)]


def answer(
    environment: str,
    findings: Iterable[Finding],
    entries: Sequence[Acknowledgement],
    spent: Sequence[Acknowledgement] | None,
) -> Answered:
    """Hold the entries for an environment against what was found.

    ``spent`` are those of the base; None when the base is what is deployed, whose file is not
    known: then an entry counts by its difference alone, and others are of earlier changes.
    """
    refused = {finding.name: finding for finding in findings if finding.refused}
    # As often as the base has an entry, it is spent: one that is written again is spent too.
    added = list((Counter(entries) - Counter(spent or [])).elements())
    repeated = Counter(entries) & Counter(spent or [])
    covered: dict[tuple[str, str, str], Acknowledgement] = {}
    problems: list[str] = []
    for entry in dict.fromkeys(one for one in added if one.environment == environment):
        finding = refused.get(entry.name)
        where = f"{FILE}: {entry.what} of {entry.resource} in {entry.stack}"
        if entry in repeated:
            problems.append(f"{where}: an earlier change has this very entry. Write a new reason.")
        elif finding and finding.difference == entry.difference and entry.name not in covered:
            covered[entry.name] = entry
        elif entry.name in covered:
            problems.append(f"{where}: is acknowledged twice. Take one out.")
        elif spent is None:
            continue
        elif finding:
            problems.append(
                f"{where}: is for another difference, {entry.difference}. This change is "
                f"{finding.difference}: look at it again, then write that."
            )
        else:
            problems.append(f"{where}: this change does nothing of the kind. Take the entry out.")
    return Answered(covered, tuple(problems))


def _entry(number: int, entry: object) -> Acknowledgement:
    try:
        return Acknowledgement.model_validate(entry)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "entry"
        remedy = {
            "missing": "Add it",
            "extra_forbidden": f"The keys are {', '.join(Acknowledgement.model_fields)}",
            "enum": f"Write one of {', '.join(What)}",
        }.get(first["type"], "Copy the entry that make review prints, with a reason in a sentence")
        raise ReviewError(
            f"{FILE}: entry {number}: {key}: {first['msg'].lower()}. {remedy}."
        ) from None
