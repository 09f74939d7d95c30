"""A hand-made group in use is attached, released and attached again, and no client notices."""

from contextlib import ExitStack

import pytest

from rehearsal.adoption import Adoption
from rehearsal.common.run import started
from rehearsal.common.steps import follow


@pytest.mark.plan("2.1", "2.3", "2.4")
def test_a_group_that_was_made_by_hand_is_adopted_under_its_clients() -> None:
    with started() as rehearsal, ExitStack() as context:
        follow(rehearsal, Adoption(context).steps)
