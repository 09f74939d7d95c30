"""Every file of environments/ is one that this release deploys, and its difference is known."""

import pytest

from environments.load import environment_names, load
from tests.live.reviewed import SETTINGS, Reviewed, difference_of_settings
from tests.support import LIVE


@pytest.mark.parametrize("name", environment_names(LIVE))
def test_every_file_is_accepted(name: str) -> None:
    assert load(name, LIVE).environment.name == name


def test_what_differs_from_the_plan_is_written_down(reviewed: Reviewed) -> None:
    """In the project's own checkout nothing is, so there the files must be the plan's."""
    reviewed.check(SETTINGS, difference_of_settings(), "")
