"""A hand-made group in use is attached, released and attached again, and no client notices."""

import pytest

from rehearsal.adoption import Adoption
from rehearsal.common.run import started


@pytest.mark.plan("2.1", "2.3", "2.4")
def test_a_group_that_was_made_by_hand_is_adopted_under_its_clients() -> None:
    adoption = Adoption()
    with started() as rehearsal:
        try:
            for _, step in adoption.steps:
                step(rehearsal)
        finally:
            adoption.close()
