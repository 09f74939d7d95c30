"""Production's stacks, from the session's one synth."""

import pytest

from tests.support import Stacks


@pytest.fixture(scope="session")
def production_stacks(templates: Stacks) -> Stacks:
    return {name: one for name, one in templates.items() if "-production-" in name}
