"""Each edit of tests/edits.py is a legal file whose templates tests/live accepts.

Here without make and a checkout of its own: tests/test_adopter.py runs both for each edit.
"""

import shutil
from pathlib import Path

import pytest

from environments.load import environment_names, load
from environments.together import refuse_shared
from tests.conftest import synthesised
from tests.edits import EDITS, Copy
from tests.live import test_checks, test_templates
from tests.stacks.limits import over
from tests.support import PLAN
from tools.context import committed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("edit", EDITS)
def test_the_templates_of_an_edit_are_as_any_are(edit: str, tmp_path: Path) -> None:
    shutil.copytree(PLAN / "environments", tmp_path / "environments")
    shutil.copy(PLAN / "cdk.context.json", tmp_path)
    EDITS[edit](Copy(tmp_path))
    folder = tmp_path / "environments"
    settings = [load(name, folder) for name in environment_names(folder)]
    for one in settings:
        refuse_shared(one, folder)
    templates = synthesised(settings, committed(tmp_path), tmp_path / "out")
    assert not over(templates)
    test_checks.test_no_action_in_any_policy_is_a_wildcard(templates)
    for name in test_templates.__all__:
        getattr(test_templates, name)(templates)
