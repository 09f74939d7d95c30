"""How each test of the plan ended when it last ran here; every run of pytest adds to the file.

The file is build/report/outcomes.json: test id -> outcome, when (ISO 8601, UTC) and at what commit.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.assembly import parsed_of

FILE = Path("build/report/outcomes.json")
CHANGED = " and changes"  # behind a commit when the work tree was not what is committed


@dataclass(frozen=True, slots=True)
class Outcome:
    """``word`` is pytest's: passed, failed or skipped."""

    word: str
    at: str
    commit: str


def read(file: Path) -> dict[str, Outcome]:
    """What is known; nothing when no test has run here. Raises Answer."""
    if not file.exists():
        return {}
    todo = "Delete it: the next run of the tests writes it."
    return parsed_of(
        file, todo, lambda found: {test: Outcome(**one) for test, one in found.items()}
    )


def add(file: Path, words: Mapping[str, str], root: Path) -> None:
    """Remember how these tests ended just now, in the checkout at ``root``."""
    now, commit = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", commit_of(root)
    found = read(file) | {test: Outcome(word, now, commit) for test, word in words.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    # Two runs may end at once: a file that is renamed into place is always whole.
    whole = file.with_suffix(f".{now}.new")
    whole.write_text(json.dumps({test: asdict(one) for test, one in found.items()}, indent=1))
    whole.replace(file)


def commit_of(root: Path) -> str:
    """The commit's short name, and whether files differ from it; "" where git says nothing."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().replace("-dirty", CHANGED)
