"""Acknowledgements in docs/acknowledged.toml: answers to what asks, each with its reason.

One counts only for the change that adds it and for the difference that is judged: what the base's
file has already is spent. So an old one never covers a later change, not even the same one again.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tools.command import Answer

FILE = "docs/acknowledged.toml"

Key = tuple[str, str, str]  # stack, resource, what
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


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
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]

    @property
    def key(self) -> Key:
        """As a question's."""
        return (self.stack, self.resource, self.what.value)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    acknowledged: list[Acknowledgement] = []


def parse(text: str) -> list[Acknowledgement]:
    """The entries of a file's text. Raises Answer, which says where one is wrong."""
    try:
        return _File.model_validate(tomllib.loads(text)).acknowledged
    except tomllib.TOMLDecodeError as problem:
        raise Answer(f"{FILE}: is not TOML: {problem}. Write it as make impact does.") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(one + 1 if isinstance(one, int) else one) for one in first["loc"])
        raise Answer(
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
    """The entry that covers each question in ``asked``, and what is wrong with the others.

    ``spent`` are the entries of the base; None for what is deployed, whose file is not known: then
    an entry counts by its difference alone.
    """
    # As often as the base has an entry, it is spent: one that is written again is spent too.
    earlier = Counter(spent or [])
    added = (Counter(entries) - earlier).elements()
    covered: dict[Key, Acknowledgement] = {}
    problems: list[str] = []
    for entry in dict.fromkeys(one for one in added if one.environment == environment):
        difference, problem = asked.get(entry.key), ""
        if entry in earlier:
            problem = "an earlier change has this very entry. Write a new reason."
        elif entry.key in covered:
            problem = "is acknowledged twice. Take one out."
        elif difference == entry.difference:
            covered[entry.key] = entry
        elif spent is not None:
            problem = "this change does not ask about it. Take the entry out."
            if difference:
                problem = f"is for another difference, {entry.difference}. This change is "
                problem += f"{difference}: read it again, then write that."
        if problem:
            where = f"{entry.what} of {entry.resource} in {entry.stack}"
            problems.append(f"{FILE}: {where}: {problem}")
    return covered, problems
