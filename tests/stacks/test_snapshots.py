"""The plan's templates as they were reviewed: a change shows up in the diff of a commit.

After a change on purpose: ``make snapshots``, then read the difference.
"""

import json
import re

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from environments.load import environment_names
from tests.support import ROOT, Stacks
from tools.assembly import Stack

PARTS = ("data", "monitoring", "operations")
SNAPSHOTS = ROOT / "tests" / "snapshots"


def snapshot(stack: Stack) -> str:
    """The template to read. An asset's hash changes with its bytes, which others test."""
    text = json.dumps(stack.body, indent=1, sort_keys=True) + "\n"
    return re.sub(r"[0-9a-f]{64}", "<asset>", text)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("environment", environment_names())
def test_the_template_is_the_one_that_was_reviewed(
    templates: Stacks, file_regression: FileRegressionFixture, environment: str, part: str
) -> None:
    name = f"vibewell-redis-{environment}-{part}"
    file_regression.check(snapshot(templates[name]), fullpath=SNAPSHOTS / f"{name}.json")
