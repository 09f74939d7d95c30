"""The harness on a real server, with the real limiter: what must hold on however slow a machine."""

import pytest

from benchmarks.limiter.run import NAMES, SHAPES, SHORT, Figure, run


@pytest.mark.servers
@pytest.mark.plan("5.5")
def test_every_shape_is_measured_and_redis_decides(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {figure.name: figure for figure in run(**SHORT)}
    printed = capsys.readouterr().out
    assert all(name in printed for name in figures)
    # How fast it is, make bench-limiter says: other programs have their part in that.
    for what in NAMES.values():
        assert sum(what in name for name in figures) == sum(map(len, SHAPES)) == 3 + 3 * 2 + 2
    assert not [name for name in figures if "without Redis" in name and figures[name].missed]


@pytest.mark.parametrize(
    ("value", "bound", "at_most", "missed"),
    [
        (7.0, 7.0, False, False),
        (6.99, 7.0, False, True),
        (0.001, 0.0, True, True),
        (float("nan"), 7.0, False, True),
        (float("nan"), 7.0, True, True),
        (1e9, None, False, False),
    ],
)
def test_a_bound_is_missed(value: float, bound: float | None, at_most: bool, missed: bool) -> None:
    figure = Figure("figure", value, bound, at_most)
    assert figure.missed is missed
    outcome = f"{value:.4g}" if bound is None else "MISSED" if missed else "pass"
    assert figure.line.split()[-1] == outcome
