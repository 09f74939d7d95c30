"""A copy of a checkout with settings of its own, so that a rehearsal changes nothing in it."""

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from emulator.clean_environment import ACCOUNT, REGION, ROOT
from emulator.engines import PROGRAMS, is_available
from environments import load
from environments.rotation_settings import SERVICES
from rehearsal.common.errors import RehearsalError
from rehearsal.common.surroundings import PAGERDUTY_SECRET

_LEFT_OUT = shutil.ignore_patterns(
    *(".*", "__pycache__", "build", "cdk.out", "docs", "node_modules", "rehearsal", "tests"),
    *("cdk.context.json", "environments"),
)
# What README's "make it yours" has an owner change, and where the embedded AWS is.
_OVERLAY = {
    "environment": {"account": ACCOUNT, "region": REGION},
    "notifications": {
        "slack_workspace_id": "T0REHEARSAL",
        "slack_channel_id": "C0REHEARSAL",
        "pagerduty_secret_name": PAGERDUTY_SECRET,
        "runbook_url": "https://example.com/docs/runbook.md",
    },
}


def copy(folder: Path, root: Path = ROOT) -> None:
    """Copy what a synth needs of the checkout in `root`, with the settings that it would load."""
    shutil.copytree(root, folder, ignore=_LEFT_OUT)
    model = shutil.ignore_patterns("*.toml", "__pycache__")
    shutil.copytree(root / "environments", folder / "environments", ignore=model)
    # A release has settings of its own.
    settings = load.FOLDER if root == ROOT else root / "environments"
    for file in settings.glob("*.toml"):
        shutil.copy(file, folder / "environments")
    if (answers := settings.parent / "cdk.context.json").exists():
        shutil.copy(answers, folder)
    functions = Path("build/functions")
    # The first releases had no function.
    if root == ROOT or (root / functions).is_dir():
        shutil.copytree(root / functions, folder / functions)
    (folder / ".venv").symlink_to(root / ".venv")


class Checkout:
    """The copy; `name` is the environment that is rehearsed, `root` where its files come from.

    `instead` says in words what the rehearsal cannot have and what it has in its place.
    """

    def __init__(self, folder: Path, name: str, root: Path = ROOT) -> None:
        self.folder = folder
        self.name = name
        self.instead: list[str] = []
        self._root = root
        self._file = folder / "environments" / f"{name}.toml"

    def make(self) -> None:
        """Copy what a synth needs and put the rehearsal's own values into the settings."""
        copy(self.folder, self._root)
        document = self.settings
        for name, values in _OVERLAY.items():
            document[name] |= {key: values[key] for key in values.keys() & document[name].keys()}
        self._replace_what_is_not_here(document)
        self._write(document)

    def _replace_what_is_not_here(self, document: dict[str, Any]) -> None:
        vpc, redis = document["network"]["vpc"], document["redis"]
        if "zones" in vpc:
            vpc["zones"] = [f"{REGION}{zone[-1]}" for zone in vpc["zones"]]
        rotation = document.get("rotation", {})  # the first releases had none
        if rotation.pop("endpoint_security_group_id", None):
            rotation["endpoints"] = [one for one in SERVICES if one not in vpc.get("endpoints", ())]
            self.instead.append("endpoints of the deployment's own")
        wanted = redis["engine"]
        if not is_available(*wanted.split("-")):
            engine = wanted.split("-")[0]
            redis["engine"] = f"{engine}-{max(v for name, v in PROGRAMS if name == engine)}"
            redis.pop("durability", None)  # of an engine that no rehearsal has
            self.instead.append(f"{redis['engine']} in place of {wanted}")

    @property
    def settings(self) -> dict[str, Any]:
        """The environment's file as it stands in the copy."""
        return tomllib.loads(self._file.read_text())

    def set(self, key: str, value: str) -> None:
        """Give `key` this value, as TOML: a key that one table has, or `table.key`."""
        document = self.settings
        table, name = self._table(document, key)
        table[name] = tomllib.loads(f"value = {value}")["value"]
        self._write(document)

    def add(self, table: str, line: str) -> None:
        """Write a line, as TOML, at the beginning of a table that does not have its key."""
        head, text = f"\n[{table}]\n", f"\n{self._file.read_text()}"
        self._file.write_text(text.replace(head, f"{head}{line}\n", 1).removeprefix("\n"))

    def remove(self, key: str) -> None:
        """Take a table's key away, `table.key`, where it is."""
        document = self.settings
        where, _, name = key.rpartition(".")
        dict(_tables(document))[where].pop(name, None)
        self._write(document)

    def _write(self, document: dict[str, Any]) -> None:
        self._file.write_text(tomli_w.dumps(document))

    def _table(self, document: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
        """The table that has the key; files may write tables in any of TOML's ways."""
        path, _, name = key.rpartition(".")
        found = [
            table
            for where, table in _tables(document)
            if name in table and f".{where}".endswith(f".{path}" if path else "")
        ]
        if len(found) != 1:
            raise RehearsalError(
                f"environments/{self.name}.toml has {len(found)} tables with the key {key}, and "
                "the rehearsal needs one to put its own value there"
            )
        return found[0], name


def _tables(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table with its dotted path."""
    yield path, table
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _tables(value, f"{path}.{key}".strip("."))
