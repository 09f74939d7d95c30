"""What benchmarks measure, on a real server, as far as it holds on every machine."""

import json
from collections.abc import Iterator

import pytest

from benchmarks import capacity
from benchmarks.limiter.run import NAMES, SHAPES, SHORT, Figure, run
from benchmarks.limiter.server import Server, server
from environments.node_types import node_type
from tests.support import ROOT

# What the share in a table that has just doubled, or is about to, can differ by.
TABLE_BYTES = 32
FOUND = json.loads((ROOT / "docs" / "operate" / "scaling-figures.json").read_text())


@pytest.fixture(scope="module")
def node() -> Iterator[Server]:
    with server(replicas=2) as running:
        yield running


@pytest.mark.servers
@pytest.mark.plan("5.1")
def test_a_full_key_takes_the_bytes_that_the_document_says(node: Server) -> None:
    for tier, kinds in capacity.identities(node).items():
        assert kinds == pytest.approx(FOUND["identity_bytes"][tier], abs=TABLE_BYTES)


@pytest.mark.servers
@pytest.mark.plan("5.3")
def test_a_busy_limiter_opens_the_connections_that_the_document_says(node: Server) -> None:
    assert capacity.connections(node)["opened"] == FOUND["connections"]["opened"]


@pytest.mark.servers
def test_decisions_that_travel_together_cost_the_server_less(node: Server) -> None:
    rows = capacity.decisions(node, 1, 0.3)
    found = {(row["case"], row["travels"]): row for row in rows}
    for case in capacity.CASES:
        assert found[case, "together"]["cpu_us"] < found[case, "alone"]["cpu_us"]
    empty, full = (found[case, "alone"]["replicated_bytes"] for case in list(capacity.CASES)[1:])
    # The whole log of each of the two keys goes to the replica.
    assert full - empty == pytest.approx(2 * 4 * capacity.HELD, rel=0.1)


def test_a_burstable_node_is_held_to_its_credits() -> None:
    assert capacity.sustained(node_type("cache.t3.medium"), 70) == pytest.approx(0.40)
    assert capacity.sustained(node_type("cache.t3.micro"), 70) == pytest.approx(0.20)
    assert capacity.sustained(node_type("cache.m6g.large"), 70) == pytest.approx(0.70)


def test_users_are_what_fits_below_the_warning() -> None:
    figures = {"identity_bytes": {"general": {"user": 600, "ip": 400}}}
    node = node_type("cache.t3.medium")
    assert capacity.users(figures, node, 75) == pytest.approx(3_317_862_236 * 0.75 * 0.75 / 1000)


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
