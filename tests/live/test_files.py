"""Every file of environments/ is one that this release deploys, and its difference is known."""

import pytest

from environments.load import environment_names
from tests.live.comparison import SETTINGS, Reviewed, accepted, difference_of_settings
from tests.support import LIVE, Stacks

NAMES = environment_names(LIVE)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_accepted(name: str) -> None:
    assert accepted(name).environment.name == name


def test_every_look_up_is_answered(templates: Stacks) -> None:
    assert len(templates) == 3 * len(NAMES)


def test_what_differs_from_the_plan_is_written_down(reviewed: Reviewed) -> None:
    """In the project's own checkout nothing is, so there the files must be the plan's."""
    reviewed.check(SETTINGS, difference_of_settings(), "")
