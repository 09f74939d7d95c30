"""The third of production's stacks; tests/conftest.py has the other two."""

import pytest

from tests.support import Stacks
from tools.assembly import Stack


@pytest.fixture(scope="session")
def operations(templates: Stacks) -> Stack:
    return templates["vibewell-redis-production-operations"]
