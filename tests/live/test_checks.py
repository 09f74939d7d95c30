"""The security packs and CDK's own template validation, on every file of the user's."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from emulator.clean_environment import run_command
from environments.advice import advice
from environments.load import environment_names, load
from tests.support import LIVE, Stacks


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the checked synth printed; it is the one synth a session that validates templates."""
    output = tmp_path_factory.mktemp("checked")
    environment = {**os.environ, "CDK_OUTDIR": str(output)}
    environment.pop("CDK_VALIDATION", None)
    done = run_command(
        [sys.executable, "-O", "-m", "tools.checked_app"], environment=environment, seconds=600
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    plugins = json.loads((Path(output) / "validation-report.json").read_text())
    return text + json.dumps(plugins)


def test_every_pack_ran_and_nothing_is_unacknowledged(report: str) -> None:
    assert not re.findall(r"^ERROR .*", report, re.MULTILINE)


def test_only_our_own_advice_is_warned_of(report: str) -> None:
    rules = set(re.findall(r"Acknowledge with '(.*?)'", report))
    settings = [load(name, LIVE) for name in environment_names(LIVE)]
    assert rules == {f"Annotation::{note.rule}" for one in settings for note in advice(one)}


def test_no_action_in_any_policy_is_a_wildcard(templates: Stacks) -> None:
    for stack in templates.values():
        for name, resource in stack.resources.items():
            if resource["Type"] == "AWS::KMS::Key":
                # The account's own administration, without which a key can be lost permanently.
                statements = resource["Properties"]["KeyPolicy"]["Statement"][1:]
            else:
                statements = [resource]
            for action in re.findall(r'"Action": ("[^"]+"|\[[^\]]+\])', json.dumps(statements)):
                assert "*" not in action, f"{stack.name} {name}: {action}"
