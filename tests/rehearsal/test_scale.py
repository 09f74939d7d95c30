"""`make scale` on a deployment in use, and the revision that must not take it back."""

import pytest

from rehearsal.common.run import started
from rehearsal.common.steps import DEPLOYED, judge
from rehearsal.scaling import plain
from rehearsal.scaling.urgent import Urgent


@pytest.mark.plan("1")
def test_a_larger_node_and_a_replica_come_at_once_and_stay() -> None:
    with started() as rehearsal:
        for _, step in DEPLOYED[:2]:
            step(rehearsal)
        plain.short_window(rehearsal)
        for _, step in DEPLOYED[2:]:
            step(rehearsal)
        urgent = Urgent(rehearsal)
        assert urgent.shown()
        assert "none wrong" in urgent.scaled()
        assert "checks passed" in urgent.is_not_undone()
        judge(rehearsal)
