"""`make scale` on a deployment in use, and the revision that must not take it back."""

import pytest

from rehearsal.common.pytest_plugin import started
from rehearsal.common.steps import DEPLOYED, access
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
        access.judge(rehearsal)
