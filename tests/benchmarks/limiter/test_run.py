"""The harness on a real server, with the real limiter: what must hold on however slow a machine."""

import pytest

from benchmarks.limiter.figure import SHORT
from benchmarks.limiter.run import run

pytestmark = pytest.mark.servers

# What a run of a few seconds on a busy machine proves as well as a long one on a quiet one.
EXACT = {
    "over-admission in any window",
    "flood on a denied key: decisions a process at Redis",
    "memory of a full 120/60 key: ours",
}


@pytest.mark.plan("5.5")
def test_the_limiter_is_exact_and_sparing_from_several_processes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = {figure.name: figure for figure in run(SHORT)}

    told = capsys.readouterr().out
    assert figures.keys() >= EXACT
    assert [name for name in EXACT if figures[name].missed] == []
    assert all(name in told for name in figures)
    # How fast it is, make bench-limiter says: other programs have their part in that.
    assert sum("throughput, to " in name for name in figures) == 3 + 3 * 2 + 2
