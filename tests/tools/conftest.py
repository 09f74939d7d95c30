"""Production's stacks, and keys that open nothing, so that no test asks for a user's."""

import pytest

from tests.support import Stacks
from tests.tools.account import run

__all__ = ["run"]


@pytest.fixture(scope="session")
def production_stacks(templates: Stacks) -> Stacks:
    return {name: one for name, one in templates.items() if "-production-" in name}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
