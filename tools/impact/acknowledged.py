"""Acknowledgements in docs/acknowledged.toml: answers to what asks, each with its reason.

One counts only for the change that adds it: what the base's file has already is spent, and its
difference must be the one that is judged. So an old one never covers a later change, not even the
same change made twice.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tools.impact.templates import ImpactError

FILE = "docs/acknowledged.toml"

Key = tuple[str, str, str]  # stack, resource, what
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]


class What(StrEnum):
    """What becomes of a resource."""

    REMOVE = "remove"
    REPLACE = "replace"
    CHANGE = "change"
    ADD = "add"


class Acknowledgement(BaseModel):
    """One entry. ``difference`` is what the report printed beside the question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Text
    stack: Text
    resource: Text
    what: What
    difference: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    reason: Reason

    @property
    def key(self) -> Key:
        """As a question's."""
        return (self.stack, self.resource, self.what.value)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    acknowledged: list[Acknowledgement] = []


def parse(text: str) -> list[Acknowledgement]:
    """The entries of a file's text; ImpactError says where one is wrong."""
    try:
        return _File.model_validate(tomllib.loads(text)).acknowledged
    except tomllib.TOMLDecodeError as problem:
        raise ImpactError(f"{FILE}: is not TOML: {problem}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(one + 1 if isinstance(one, int) else one) for one in first["loc"])
        raise ImpactError(
            f"{FILE}: {where}: {first['msg'].lower()}. Write [[acknowledged]] for each entry, with "
            f"the keys {', '.join(Acknowledgement.model_fields)}: make impact prints it. "
            f"The reason is a sentence, what is one of {', '.join(What)}."
        ) from None


def answer(
    environment: str,
    asked: Mapping[Key, str],
    entries: Sequence[Acknowledgement],
    spent: Sequence[Acknowledgement] | None,
) -> tuple[dict[Key, Acknowledgement], list[str]]:
    """The entry that covers each question, and what is wrong with the other entries.

    ``asked`` has the difference of each question. ``spent`` are the entries of the base; None when
    the base is what is deployed, whose file is not known: then an entry counts by its difference
    alone, and others are of earlier changes.
    """
    # As often as the base has an entry, it is spent: one that is written again is spent too.
    earlier = Counter(spent or [])
    added = (Counter(entries) - earlier).elements()
    covered: dict[Key, Acknowledgement] = {}
    problems: list[str] = []
    for entry in dict.fromkeys(one for one in added if one.environment == environment):
        difference = asked.get(entry.key)
        where = f"{FILE}: {entry.what} of {entry.resource} in {entry.stack}"
        if entry in earlier:
            problems.append(f"{where}: an earlier change has this very entry. Write a new reason.")
        elif entry.key in covered:
            problems.append(f"{where}: is acknowledged twice. Take one out.")
        elif difference == entry.difference:
            covered[entry.key] = entry
        elif difference and spent is not None:
            problems.append(
                f"{where}: is for another difference, {entry.difference}. This change is "
                f"{difference}: read it again, then write that."
            )
        elif spent is not None:
            problems.append(f"{where}: this change does not ask about it. Take the entry out.")
    return covered, problems
