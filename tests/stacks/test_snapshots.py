"""Every environment's templates as they were reviewed: a change shows up in the diff of a commit.

After a change on purpose: ``make snapshots``, then read the difference.
"""

import json
import re

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from environments.load import environment_names
from tests.support import ROOT, Stacks


@pytest.mark.parametrize("part", ["data", "monitoring", "operations"])
@pytest.mark.parametrize("environment", environment_names())
def test_the_template_is_the_one_that_was_reviewed(
    templates: Stacks, file_regression: FileRegressionFixture, environment: str, part: str
) -> None:
    name = f"vibewell-redis-{environment}-{part}"
    text = json.dumps(templates[name].body, indent=1, sort_keys=True) + "\n"
    # An asset's hash changes with its bytes, which tests of their own cover.
    normalised = re.sub(r"[0-9a-f]{64}", "<asset>", text)
    file_regression.check(normalised, fullpath=ROOT / "tests" / "snapshots" / f"{name}.json")
