"""What drift is looked for in; on a rehearsal it is found by tests/rehearsal."""

import pytest

from constructs.configuration_review import STACKS
from tools import drift


def test_every_stack_of_an_environment_is_looked_at() -> None:
    assert set(drift.PARTS) == set(STACKS)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [([], 2, "name one environment"), (["nowhere"], 1, "there is no such environment")],
)
def test_a_name_that_is_missing_or_unknown_is_one_message(
    arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift.main(arguments) == status
    assert says in capsys.readouterr().err
