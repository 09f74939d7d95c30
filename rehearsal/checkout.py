"""A copy of a checkout with settings of its own, so that a rehearsal changes nothing in it."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

from rehearsal.clean_environment import ACCOUNT, ROOT
from rehearsal.errors import RehearsalError
from rehearsal.surroundings import PAGERDUTY_SECRET

_LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "cdk.out", "docs", "node_modules", "rehearsal", "tests"
)
# What README's "make it yours" has an owner change, where a file has it.
_OVERLAY = {
    ("environment", "account"): ACCOUNT,
    ("notifications", "slack_workspace_id"): "T0REHEARSAL",
    ("notifications", "slack_channel_id"): "C0REHEARSAL",
    ("notifications", "pagerduty_secret_name"): PAGERDUTY_SECRET,
}


class Checkout:
    """The copy; `name` is the environment that is rehearsed, `root` where its files come from."""

    def __init__(self, folder: Path, name: str, root: Path = ROOT) -> None:
        self.folder = folder
        self.name = name
        self._root = root
        self._file = folder / "environments" / f"{name}.toml"

    def make(self) -> None:
        """Copy what a synth needs and put the rehearsal's own values into the settings."""
        shutil.copytree(self._root, self.folder, ignore=_LEFT_OUT)
        functions = Path("build/functions")
        # The first releases had no function.
        if self._root == ROOT or (self._root / functions).is_dir():
            shutil.copytree(self._root / functions, self.folder / functions)
        (self.folder / ".venv").symlink_to(self._root / ".venv")
        for (table, key), value in _OVERLAY.items():
            if key in self.settings[table]:
                self.set(key, f'"{value}"')

    @property
    def settings(self) -> dict[str, Any]:
        """The environment's file as it stands in the copy."""
        return tomllib.loads(self._file.read_text())

    def set(self, key: str, value: str) -> None:
        """Write `value`, as TOML, in the one line that sets `key`; comments stay."""
        line = re.compile(rf'^({re.escape(key)}\s*=\s*)("[^"]*"|[^#\n]*?)(\s*(?:#.*)?)$', re.M)
        text, changed = line.subn(
            lambda found: f"{found[1]}{value}{found[3]}", self._file.read_text()
        )
        if changed != 1:
            raise RehearsalError(
                f"environments/{self.name}.toml has {changed} lines that set {key}, and the "
                "rehearsal needs one to put its own value there"
            )
        self._file.write_text(text)

    def add(self, table: str, line: str) -> None:
        """Write a line, as TOML, at the beginning of a table that does not have its key."""
        head = f"\n[{table}]\n"
        self._file.write_text(self._file.read_text().replace(head, f"{head}{line}\n", 1))

    def remove(self, key: str) -> None:
        """Take the one line away that sets `key`."""
        line = re.compile(rf"^{re.escape(key)}\s*=.*\n", re.M)
        text, changed = line.subn("", self._file.read_text())
        if changed != 1:
            raise RehearsalError(
                f"environments/{self.name}.toml has {changed} lines that set {key}, and the "
                "rehearsal needs one to take away"
            )
        self._file.write_text(text)
