"""The harness on a real server, with the real limiter: what must hold on however slow a machine."""

import pytest

from trials.speed.form import SHORT
from trials.speed.run import run

# What a run of a few seconds on a busy machine proves as well as a long one.
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
    faster = {name: one.value for name, one in figures.items() if "throughput, to " in name}
    tasks = [value for name, value in faster.items() if "thread" not in name and "4 " not in name]
    assert (len(tasks), len(faster)) == (3, 3 + 3 * 2 + 2)
    assert min(tasks) > 1
