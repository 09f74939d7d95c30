"""The templates of a revision: its files in a temporary folder, synthesised as a user would."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from tools.assembly import Stack, read
from tools.context import ROOT
from tools.review.errors import ReviewError
from tools.review.toolchain import toolchain

CACHE = ROOT / "build" / "review"
PACKED = (
    "lambda",
    "drawing",
    "tools/build_functions.sh",
    "tools/pack.py",
)  # what packages are made of
LONGEST = 300  # seconds that one step may take


def commit_of(revision: str, root: Path = ROOT) -> str:
    """The commit that a revision names; ReviewError if there is none."""
    wanted = ("--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(root, "rev-parse", "--verify", *wanted)
    if done.returncode:
        raise ReviewError(
            f"review: {revision!r} is no revision of this repository. Name a commit, branch or "
            "tag, fetched beforehand, or BASE=deployed."
        )
    return done.stdout.decode().strip()


def file_at(commit: str, path: str, root: Path = ROOT) -> str:
    """The text of a file in a commit; nothing if the commit has no such file."""
    done = _git(root, "show", f"{commit}:{path}")
    return "" if done.returncode else done.stdout.decode()


def label_of_head(root: Path = ROOT) -> str:
    """How the report names the checkout: its commit, and whether it holds more than that."""
    if _git(root, "rev-parse", "HEAD").returncode:
        return "the checkout"  # files without a repository, beside what is deployed
    head = commit_of("HEAD", root)[:9]
    return f"{head} with changes" if _git(root, "status", "--porcelain").stdout else head


def stacks_at(commit: str, environment: str, root: Path = ROOT) -> dict[str, Stack]:
    """The stacks of an environment in a commit; none if it has no such environment.

    What was synthesised once is kept under build/review, by commit.
    """
    if not file_at(commit, f"environments/{environment}.toml", root):
        return {}
    kept = CACHE / f"{commit}-{environment}"
    if not kept.exists():
        with _checked_out(commit, root) as folder:
            try:
                python = toolchain(folder, root, CACHE)
                _functions(folder, commit, root)
                _keep(_synthesised(folder, environment, python), kept)
            except ReviewError as reason:
                raise ReviewError(f"{reason}\n(synthesising {commit[:9]}, the base)") from None
    return read(kept)


def stacks_here(environment: str, root: Path = ROOT) -> dict[str, Stack]:
    """The stacks of an environment as the files of the checkout have them now."""
    with tempfile.TemporaryDirectory() as folder:
        output = _synthesised(root, environment, Path(sys.executable), Path(folder) / "out")
        return read(output)


def _synthesised(folder: Path, environment: str, python: Path, output: Path | None = None) -> Path:
    output = output or folder / "cdk.out"
    context = {
        **_json(folder / "cdk.json").get("context", {}),
        **_json(folder / "cdk.context.json"),
        "env": environment,
    }
    variables = {
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(output),
        "CDK_VALIDATION": "false",
        "JSII_NODE": str(python.parent / "node"),
    }
    _run([str(python), "app.py"], folder, variables)
    missing = json.loads((output / "manifest.json").read_text()).get("missing")
    if missing:
        raise ReviewError(
            f"review: cdk.context.json does not know {missing[0]['key']}. Run make synth with "
            "credentials for the account, and commit the file."
        )
    return output


def _functions(folder: Path, commit: str, root: Path) -> None:
    """Lay the functions' packages out as that revision does, for their code to be compared."""
    if not _git(root, "status", "--porcelain", "--", *PACKED).stdout and not (
        _git(root, "diff", "--quiet", commit, "HEAD", "--", *PACKED).returncode
    ):
        shutil.copytree(root / "build" / "functions", folder / "build" / "functions")
    elif (folder / "tools" / "build_functions.sh").exists():
        _run(["tools/build_functions.sh"], folder, {})


@contextmanager
def _checked_out(commit: str, root: Path) -> Iterator[Path]:
    """A revision's files, without a work tree of git's that could be left over."""
    archive = _git(root, "archive", "--format=tar", commit).stdout
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        (folder / ".venv").symlink_to(root / ".venv")
        yield folder


def _keep(output: Path, kept: Path) -> None:
    """Copy what is read of an assembly; a half copy never has the final name."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        part = Path(name) / "part"
        shutil.copytree(output, part, ignore=shutil.ignore_patterns("asset.*", "tree.json"))
        try:
            part.rename(kept)
        except OSError:  # another run was faster, with the same result
            if not kept.exists():
                raise


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    environment = {**os.environ, **variables}
    environment.pop("CDK_CLI_VERSION", None)  # the app then refuses look-ups without an answer
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReviewError(f"review: {command[-1]} took more than {LONGEST} s.") from None
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ReviewError(f"review: {command[-1]} failed:\n{last}")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, timeout=LONGEST, check=False
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError as problem:
        raise ReviewError(
            f"review: {file.name} is no JSON: line {problem.lineno}, {problem.msg}. Mend it, or "
            "take the committed one again."
        ) from None
    return found
