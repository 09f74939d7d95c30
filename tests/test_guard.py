"""No test of the plan can read what a user writes into environments/."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.load import environment_names, load
from tests.support import LIVE, PLAN, ROOT
from tools.context import committed

FILE = LIVE / "production.toml"


@pytest.mark.parametrize(
    "read",
    [
        FILE.read_text,
        lambda: load("production", LIVE),
        lambda: committed(ROOT),
        lambda: os.open(FILE, os.O_RDONLY),
        lambda: Path(os.path.relpath(FILE)).read_bytes(),
        lambda: shutil.copy(FILE, os.devnull),
        lambda: FILE.open("a"),
    ],
)
def test_a_users_file_cannot_be_opened(read: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="tests of the plan read tests/plan"):
        read()


def test_what_a_test_loads_is_the_plans() -> None:
    assert environment_names() == ["development", "production", "staging"]
    assert load("production") == load("production", PLAN / "environments")
    assert committed() == committed(PLAN)
