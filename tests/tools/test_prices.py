"""The monthly cost of a stack at list price, and the table of make synth that shows it."""

import json
from pathlib import Path

import pytest

from tests.support import Stacks, SynthChanged
from tests.variants import SHARDED
from tools.prices import monthly
from tools.summary import main


@pytest.mark.parametrize(
    ("stack", "by_hand"),
    [
        ("data", 3 * 0.068 * 730 + 1.00 + 0.40),  # three nodes, a key and a secret
        # 14 alarms on three metrics, two (hit rate, network allowance) on six, 25 on one.
        ("monitoring", (14 * 3 + 2 * 6 + 25) * 0.10 + 3.00 + 1.00),
        ("operations", 2 * 3 * 0.01 * 730 + 0.40),  # two endpoints, the recovery test's secret
    ],
)
def test_productions_stacks_cost_what_is_worked_out_by_hand(
    templates: Stacks, stack: str, by_hand: float
) -> None:
    assert monthly(templates[f"vibewell-redis-production-{stack}"]) == pytest.approx(by_hand)


def test_every_node_of_every_shard_is_counted(synth_changed: SynthChanged) -> None:
    by_hand = 9 * 0.068 * 730 + 1.00 + 0.40
    assert monthly(synth_changed(SHARDED)["data"]) == pytest.approx(by_hand)


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """Two stacks that share a warning."""
    artifacts = {}
    for name in ("one", "two"):
        template = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": f"{name}.json"},
            "metadata": {f"/{name}": [{"type": "aws:cdk:warning", "data": "careful [ack: rule]"}]},
        }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return tmp_path


def test_each_stack_has_its_row_the_costs_are_added_and_a_warning_is_there_once(
    assembly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(assembly)
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert ["one", "1", "1", "1.00"] in rows
    assert ["two", "1", "1", "1.00"] in rows
    assert ["2.00"] in rows
    assert text.count("careful") == 1
    assert "warning for one, two" in text
    assert "list price in us-east-1 of 2026-10-02" in text
