"""The harness on a real server, with the real limiter: what must hold on however slow a machine."""

import pytest

from benchmarks.limiter.run import NAMES, SHAPES, SHORT, Figure, run


@pytest.mark.servers
@pytest.mark.plan("5.5")
def test_every_shape_is_measured_and_redis_decides(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {figure.name: figure for figure in run(**SHORT)}
    told = capsys.readouterr().out
    assert all(name in told for name in figures)
    # How fast it is, make bench-limiter says: other programs have their part in that.
    for what in NAMES.values():
        assert sum(what in name for name in figures) == sum(map(len, SHAPES)) == 3 + 3 * 2 + 2
    assert not [name for name in figures if "without Redis" in name and figures[name].missed]


@pytest.mark.parametrize(
    ("value", "bounds", "missed"),
    [
        (7.0, {"at_least": 7.0}, False),
        (6.99, {"at_least": 7.0}, True),
        (0.001, {"at_most": 0.0}, True),
        (float("nan"), {"at_least": 7.0}, True),
        (float("nan"), {"at_most": 7.0}, True),
        (1e9, {}, False),
    ],
)
def test_a_bound_is_kept_or_missed(value: float, bounds: dict[str, float], missed: bool) -> None:
    figure = Figure("figure", value, **bounds)
    assert figure.missed is missed
    outcome = ("MISSED" if missed else "pass") if bounds else f"{value:.4g}"
    assert figure.line.split()[-1] == outcome
