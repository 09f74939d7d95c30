"""The user's own files: what they synthesise, and what was reviewed of it."""

import pytest

from environments.load import environment_names
from tests.conftest import synthesised
from tests.live.comparison import Reviewed, accepted
from tests.support import LIVE, ROOT, Document, Stacks
from tools.context import committed


@pytest.fixture(scope="session")
def context() -> Document:
    """The user's own look-ups."""
    return committed(ROOT)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, context: Document) -> Stacks:
    """The templates of every file, under the name of the plan's, for tests that hold for both."""
    settings = [accepted(name) for name in environment_names(LIVE)]
    return synthesised(settings, context, tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="session")
def reviewed(request: pytest.FixtureRequest) -> Reviewed:
    return Reviewed(renew=request.config.getoption("regen_all"))
