"""The deployed review of the configuration finds what people changed by hand, and only that."""

import time
from contextlib import ExitStack

import pytest

from rehearsal.common import functions
from rehearsal.common.deployed import token
from rehearsal.common.rehearsal import Rehearsal
from tests.rehearsal.by_hand import changes


@pytest.mark.plan("7.3")
def test_what_was_changed_by_hand_is_found_and_is_in_the_channel(deployed: Rehearsal) -> None:
    with ExitStack() as undo:
        expected = []
        for change in list(changes(deployed)):
            change.do()
            undo.callback(change.undo)
            expected.append(change.says)
        since = time.time()
        answer = functions.run_review(deployed, "configuration")
        (message,) = functions.review_messages(deployed, since)
    assert functions.run_review(deployed, "configuration")["findings"] == 0, "all of it was undone"

    lines, findings = answer["lines"], answer["findings"]
    assert [says for says in expected if not any(says in line for line in lines)] == [], lines
    assert findings >= len(expected) == 14
    title = f"Redis production: configuration of the week, {findings} findings"
    assert message["title"] == title
    shown = message["description"].splitlines()
    assert len(shown) == 8
    assert shown[-1] == f"… and {findings - 7} more in the report"
    assert token(deployed) not in f"{answer} {message}"
