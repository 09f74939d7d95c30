"""What the next release changes for this owner, as Markdown: ``make upgrade-notes``.

usage: python -m tools.upgrade_notes ENVIRONMENT FROM

FROM is the tag or commit that is deployed now; the checkout is what will be. Listed are the
settings keys, with those that the environment's own file must change, the templates as ``make
impact`` judges them, and the client's changes. Exit status: 0 shown, 2 not, with the reason.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from environments.load import SettingsError, load
from tools.command import Answer, command
from tools.context import ROOT
from tools.impact.__main__ import UNANSWERED, impact
from tools.impact.revisions import commit_of, extract, file_at
from tools.settings_file import text_of, value_at

CLIENT = "client/CHANGELOG.md"
LONGEST = 120  # seconds
# It runs on either side's own model; the first releases have no table of renamed keys.
_MODEL = """
import importlib.util, json
from environments.schema import Settings
there = importlib.util.find_spec("environments.renamed")
renamed = __import__("environments.renamed").renamed.RENAMED if there else {}
print(json.dumps([Settings.model_json_schema(), renamed]))
"""

Keys = dict[str, tuple[bool, object]]  # by dotted path: whether it is required, and its default


class Model(NamedTuple):
    """The settings of one revision; ``renamed`` leads from old paths to new ones."""

    keys: Keys
    renamed: dict[str, str]


def _show(environment: str, revision: str) -> int:
    for line in notes(environment, revision):
        print(line)
    return 0


def _impact(environment: str, base: str) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory() as scratch:
        return impact(environment, base, Path(scratch))


def notes(
    environment: str,
    revision: str,
    root: Path = ROOT,
    judged: Callable[[str, str], tuple[str, bool]] = _impact,
) -> Iterator[str]:
    """Every line. Raises Answer for a revision that is not there, and SettingsError."""
    commit = commit_of(revision, root)
    yield f"# From {revision} to this checkout, for {environment}\n\n## Settings\n"
    with tempfile.TemporaryDirectory() as folder:
        extract(commit, Path(folder), root)
        before = _model(Path(folder))
    settings = list(_settings(before, _model(root), tomllib.loads(text_of(environment))))
    yield from settings or ["No key changes."]
    try:
        load(environment)
    except SettingsError as wrong:
        yield f"\nThis release refuses the file as it is:\n\n```\n{wrong}\n```"
        yield "\n## Templates\n\nCorrect the file first."
    else:
        yield "\n## Templates\n"
        try:
            yield judged(environment, commit)[0]
        except Answer as reason:
            yield f"They are not compared. {reason}"
    yield "\n## Client\n"
    known = _sections(file_at(commit, CLIENT, root))
    new = [
        text for title, text in _sections((root / CLIENT).read_text()).items() if title not in known
    ]
    yield from new or ["No new version."]


def _settings(before: Model, after: Model, file: dict[str, Any]) -> Iterator[str]:
    """One line per key that is new, renamed, gone, or has another default."""
    renamed = {old: new for old, new in after.renamed.items() if old in before.keys}
    for old, new in renamed.items():
        use = "your file does not have it"
        if _has(file, old):
            use = f"rename it in your file: the name {old} ends with the next release"
        yield f"- `{old}` is now `{new}`: {use}"
    for path in sorted(before.keys.keys() - after.keys.keys() - renamed.keys()):
        do = "take it out of your file" if _has(file, path) else "your file does not have it"
        yield f"- `{path}` is gone: {do}"
    for path, (required, default) in sorted(after.keys.items()):
        was = before.keys.get(path)
        if was is None and path not in renamed.values():
            table = path.rpartition(".")[0]
            missing = required and not _has(file, path) and (not table or _has(file, table))
            yield f"- `{path}` is new: " + (
                "write it into your file"
                if missing
                else f"left out, it is {json.dumps(default)}"
                if not required
                else "your file needs none"
            )
        elif was and not required and not was[0] and was[1] != default and not _has(file, path):
            yield (
                f"- `{path}` is left out of your file: it was {json.dumps(was[1])}, now it is "
                + (json.dumps(default))
            )


def _has(file: dict[str, Any], path: str) -> bool:
    return value_at(file, path) is not None


def _model(folder: Path) -> Model:
    done = subprocess.run(
        [sys.executable, "-c", _MODEL],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        (*_, why) = done.stderr.strip().splitlines() or ["no reason given"]
        raise Answer(f"upgrade-notes: the settings of that release cannot be read: {why}")
    schema, renamed = json.loads(done.stdout)
    return Model(dict(_keys(schema, schema.get("$defs", {}))), renamed)


def _keys(
    table: dict[str, Any], definitions: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, tuple[bool, object]]]:
    """Every key below a table of the schema, through references and alternatives."""
    for one in (*table.get("anyOf", ()), *table.get("oneOf", ())):
        yield from _keys(one, definitions, path)
    if reference := table.get("$ref"):
        yield from _keys(definitions[reference.rsplit("/", 1)[-1]], definitions, path)
    for name, inner in table.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        yield below, (name in table.get("required", ()), inner.get("default"))
        yield from _keys(inner, definitions, below)


def _sections(changelog: str) -> dict[str, str]:
    found = re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", changelog, re.MULTILINE)
    return {title: f"### {title}\n{text.rstrip()}" for title, text in found}


main = command(
    "upgrade-notes",
    _show,
    takes=lambda given: len(given) == 2 and all(given),
    usage="name an environment and the release that it runs now, for example make upgrade-notes "
    "ENV=production FROM=v1.0",
    interrupted="nothing was changed.",
    stopped=UNANSWERED,
)
