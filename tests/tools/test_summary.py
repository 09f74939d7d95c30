"""The table that make synth ends with."""

import json
from pathlib import Path

import pytest

from tools.summary import main


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
