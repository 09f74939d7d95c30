"""The deployed review of the configuration finds what people changed by hand, and only that."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from rehearsal.common.checks import logins, reviews
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
        answer = reviews.run(deployed, "configuration")
        (message,) = reviews.messages(deployed, since)
        yield Found(todo, answer, message)
    finally:
        for change in reversed(done):
            change.undo()
    assert reviews.run(deployed, "configuration")["findings"] == 0, "all of it was undone"


@pytest.mark.plan("7.3")
@pytest.mark.parametrize(
    "name",
    [
        "a property of the group",
        "the value of a parameter",
        "a parameter that no template sets",
        "a port that is open to the world",
        "a policy on a role",
        "another account in the key's policy",
        "everybody in the secret's policy",
        "everybody in a topic's policy",
        "a topic without its key",
        "an alarm that is gone",
        "an alarm that speaks too late",
        "the parameter group of an upgrade",
        "a security group that nobody needs",
        "a log group that forgets nothing",
    ],
)
def test_what_was_changed_by_hand_is_found(found: Found, name: str) -> None:
    (change,) = (change for change in found.changes if change.name == name)
    assert any(change.says in line for line in found.answer["lines"]), found.answer["lines"]


@pytest.mark.plan("7.3")
def test_the_channel_is_told_how_many_and_what(found: Found, deployed: Rehearsal) -> None:
    findings = found.answer["findings"]
    assert findings >= len(found.changes)
    title = f"Redis production: configuration of the week, {findings} findings"
    assert found.message["title"] == title
    lines = found.message["description"].splitlines()
    assert len(lines) == 8
    assert lines[-1] == f"… and {findings - 7} more in the report"
    assert logins.token(deployed) not in str(found)
