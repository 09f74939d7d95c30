"""What was reviewed of the user's files: tests/live/reviewed, written by `make snapshots`.

What is as the plan's has no file there, so in a checkout that holds the plan's own settings the
folder is empty, and each difference from the plan that somebody makes begins as a file of a commit.
"""

from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest

from environments.load import SettingsError, environment_names, load
from environments.schema import EXAMPLE_ACCOUNT, Settings
from environments.together import refuse_shared
from tests.support import LIVE, PLAN, ROOT, Document
from tools.deviations import deviations

FOLDER = ROOT / "tests" / "live" / "reviewed"
SETTINGS = "settings.txt"
LINES = 60  # of a difference are shown


def accepted(name: str) -> Settings:
    """The settings of a file of the user's; what is wrong with it fails the test in its words."""
    try:
        settings = load(name, LIVE)
        refuse_shared(settings, LIVE)
        return settings
    except SettingsError as problems:
        said = str(problems)
    pytest.fail(said, pytrace=False)


def difference_of_settings() -> str:
    """How the user's files differ from the plan's, value by value."""
    plan, live = set(environment_names(PLAN / "environments")), environment_names(LIVE)
    lines = [f"{name}.toml: not there" for name in sorted(plan - {*live})]
    lines += [f"{name}.toml: {line}" for name in live for line in deviations(name)]
    return "".join(f"environments/{line}\n" for line in lines)


def lost(before: Document, found: Document) -> list[str]:
    """What CloudFormation would replace or delete, where it is deployed.

    Both are an account, a Region and by stack each logical id with what must not change.
    """
    where = ("account", "region")
    if found["account"] == EXAMPLE_ACCOUNT or [before.get(key) for key in where] != [
        found[key] for key in where
    ]:
        return []
    return [
        f"{stack}: {logical_id}"
        for stack, resources in before["stacks"].items()
        for logical_id, pinned in resources.items()
        if found["stacks"].get(stack, {}).get(logical_id) != pinned
    ]


class Reviewed:
    """The folder; with ``renew`` it is written, and nothing fails."""

    def __init__(self, *, renew: bool, folder: Path = FOLDER) -> None:
        self.renew = renew
        self._folder = folder

    def text(self, name: str, plan: str) -> str:
        """What was reviewed under this name: the plan's unless there is a file."""
        file = self._folder / name
        return file.read_text() if file.exists() else plan

    def check(self, name: str, found: str, plan: str) -> None:
        """Fail unless ``found`` is what was reviewed; ``plan`` is the plan's under this name."""
        if self.renew:
            (self._folder / name).unlink(missing_ok=True)
            if found != plan:
                self._folder.mkdir(exist_ok=True)
                (self._folder / name).write_text(found)
        elif found != (before := self.text(name, plan)):
            changed = unified_diff(
                before.splitlines(), found.splitlines(), name, name, "", "", 0, ""
            )
            lines = "\n".join(islice(changed, LINES))
            pytest.fail(
                "It is not what was reviewed. If the difference is meant, run make snapshots, "
                f"read what it writes and commit it.\n{lines}",
                pytrace=False,
            )

    def only(self, names: set[str]) -> None:
        """Fail if there is a file of an environment that has none any more."""
        for file in self._folder.glob("*"):
            if file.name not in names:
                if not self.renew:
                    pytest.fail(f"{file} is of no environment: run make snapshots", pytrace=False)
                file.unlink()
