"""The release that is upgraded from: which revision it is, and its files and tools.

A release is a tag `v…`. Until there is one, what production runs is unknown here, and the scenario
begins with the first revision that a rehearsal could deploy: whatever was deployed since then lies
on that way. `FROM=<revision>` names another.
"""

import io
import re
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from emulator.clean_environment import ROOT, run_command
from rehearsal.common.errors import RehearsalError

FIRST = "9f48bb0"
_NAME = re.compile(r"[-_.]+(?=.*==)")  # as PyPI normalises it
_GIT = 60  # seconds
_SET_UP = 900  # seconds: packages are fetched
# What decides which tools synthesise: the same files mean the same tools.
_TOOLS = "package-lock.json"
_PINS = ("constraints.txt", "requirements.txt")  # the first was a release's, until uv.lock


@dataclass(frozen=True)
class Release:
    """`name` is the tag or what was asked for, `commit` the whole hash."""

    name: str
    commit: str

    def __str__(self) -> str:
        """How a line names it."""
        return f"{self.name} ({self.commit[:9]})" if self.name != self.commit else self.name


def choose(asked: str | None, repository: Path = ROOT) -> Release:
    """The revision that was asked for, the last release before this one, or the first of all.

    Raises RehearsalError for a revision that is not in the repository.
    """
    name = asked or _last_tag(repository) or FIRST
    found = _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", fails=True)
    if not found:
        raise RehearsalError(
            f"the revision {name} is not in this repository. Fetch the whole history (git fetch "
            "--unshallow --tags), or name one that is here: make rehearse-upgrade FROM=<revision>"
        )
    return Release(name, found)


def unpack(release: Release, into: Path, repository: Path = ROOT) -> str:
    """Put its files into a folder, with the tools that it names and its functions built.

    Packages that are pinned here at the same versions are this checkout's; otherwise its own
    set-up installs them. Returns which it was.
    """
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", release.commit],
        capture_output=True,
        timeout=_GIT,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(into, filter="data")
    told = [_python(into), _node(into)]
    if (into / "tools/build_functions.sh").exists():
        _run(into, "tools/build_functions.sh")
    return ", ".join(told)


def _python(into: Path) -> str:
    if pins(into) <= locked(ROOT):
        (into / ".venv").symlink_to(ROOT / ".venv")
        return "the same Python packages"
    _run(into, "tools/setup_python.sh", "python3", ".venv")
    return "its own Python packages"


def _node(into: Path) -> str:
    if (into / _TOOLS).read_bytes() == (ROOT / _TOOLS).read_bytes():
        (into / "node_modules").symlink_to(ROOT / "node_modules")
        return "the same CDK command line"
    _run(into, ".venv/bin/npm", "ci", "--silent", "--no-audit", "--no-fund")
    return "its own CDK command line"


def pins(root: Path) -> frozenset[str]:
    """Each package with its version, as a release pins them."""
    file = next(root / name for name in _PINS if (root / name).exists())
    lines = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return frozenset(_NAME.sub("-", line).lower() for line in lines if line)


def locked(root: Path) -> frozenset[str]:
    """The same of what this checkout may install."""
    packages = tomllib.loads((root / "uv.lock").read_text())["package"]
    return frozenset(f"{one['name']}=={one['version']}" for one in packages)


def _last_tag(repository: Path) -> str:
    # A tag on this very commit is the release that is being made: the one before it is deployed.
    tags = ("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    newest = _git(repository, *tags, "HEAD", fails=True)
    if newest and _git(repository, "rev-parse", f"{newest}^{{commit}}") == _git(
        repository, "rev-parse", "HEAD"
    ):
        return _git(repository, *tags, "HEAD^", fails=True)
    return newest


def _git(repository: Path, *words: str, fails: bool = False) -> str:
    ran = run_command(["git", "-C", str(repository), *words], seconds=_GIT)
    if ran.returncode and not fails:
        raise RehearsalError(f"git {words[0]}: {ran.stderr.strip()}")
    return "" if ran.returncode else ran.stdout.strip()


def _run(into: Path, *words: str) -> None:
    ran = run_command(
        [str(into / words[0]) if "/" in words[0] else words[0], *words[1:]], into, seconds=_SET_UP
    )
    if ran.returncode:
        raise RehearsalError(f"the release's own {words[0]} failed\n{ran.stderr[-2000:]}")
