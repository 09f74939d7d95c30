"""A check that AWS's answer ends is a line that fails, and the others go on."""

from collections.abc import Iterator

import pytest

from shared.errors import StoppedError
from shared.line import Line, lines_of


@pytest.mark.parametrize("reason", [StoppedError("no Arn"), KeyError("Arn")])
def test_a_check_whose_answer_lacks_a_field_fails(reason: Exception) -> None:
    def check() -> Iterator[Line]:
        yield Line("first", True, "", "", "s")
        raise reason

    first, ended = lines_of("name", "s", check)
    assert first.passed
    assert (ended.name, ended.passed) == ("name", False)
    assert "Arn" in ended.found
