"""The deployed review of the configuration finds what people changed by hand, and only that."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from rehearsal.common import functions
from rehearsal.common.deployed import token
from rehearsal.common.rehearsal import Rehearsal
from tests.rehearsal.by_hand import Change, changes


class Found(NamedTuple):
    """What the review answered and told while everything was changed."""

    changes: list[Change]
    answer: dict[str, Any]
    message: dict[str, Any]


@pytest.fixture(scope="module")
def found(deployed: Rehearsal) -> Iterator[Found]:
    todo = list(changes(deployed))
    done: list[Change] = []
    try:
        for change in todo:
            change.do()
            done.append(change)
        since = time.time()
        answer = functions.run_review(deployed, "configuration")
        (message,) = functions.review_messages(deployed, since)
        yield Found(todo, answer, message)
    finally:
        for change in reversed(done):
            change.undo()
    assert functions.run_review(deployed, "configuration")["findings"] == 0, "all of it was undone"


@pytest.mark.plan("7.3")
def test_what_was_changed_by_hand_is_found(found: Found) -> None:
    lines = found.answer["lines"]
    unseen = [one.name for one in found.changes if not any(one.says in line for line in lines)]
    assert unseen == [], lines
    assert len(found.changes) == 14


@pytest.mark.plan("7.3")
def test_the_channel_is_told_how_many_and_what(found: Found, deployed: Rehearsal) -> None:
    findings = found.answer["findings"]
    assert findings >= len(found.changes)
    title = f"Redis production: configuration of the week, {findings} findings"
    assert found.message["title"] == title
    lines = found.message["description"].splitlines()
    assert len(lines) == 8
    assert lines[-1] == f"… and {findings - 7} more in the report"
    assert token(deployed) not in str(found)
