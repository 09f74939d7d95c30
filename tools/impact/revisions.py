"""Both sides of a comparison as they are made or deployed, and what ``cdk diff`` says of them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from environments.schema import Settings
from tools.assembly import Document, Stack
from tools.context import ROOT
from tools.impact.templates import ImpactError

CACHE = ROOT / "build" / "impact"
# What packages are made of.
PACKED = ("lambda", "drawing", "tools/build_functions.sh", "tools/pack.py")
LONGEST = 600  # seconds that one step may take
# What the command line adds to what is deployed, so that it is no difference.
_METADATA = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
_OF_ANOTHER_APP = "delivery"  # the workflows' roles: tools/delivery_app.py
# A stack that is on its way out, or never came to be, holds nothing to compare with.
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE")


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
    """How the report names a checkout: its commit, "-dirty" where it holds more than that."""
    told = _git(folder, "describe", "--always", "--dirty", "--exclude=*").stdout.decode().strip()
    return told or "the checkout"  # files without a repository


def assembly_at(commit: str, environment: str, root: Path = ROOT) -> Path | None:
    """The assembly of an environment in a commit, kept under build/impact; None without one.

    Raises ImpactError where the commit pins other versions: with ours, its templates would hide
    what an upgrade of the library does to them.
    """
    if not file_at(commit, f"environments/{environment}.toml", root):
        return None
    if _pins(file_at(commit, "requirements.txt", root)) != _pins(
        (root / "requirements.txt").read_text()
    ):
        raise ImpactError(
            f"impact: {commit[:9]} pins other versions in requirements.txt than this checkout, and "
            "with these its templates would not show what an upgrade does. Let the base judge, as "
            "a pull request does: make synth here; then, in a checkout of the base: make setup "
            f"impact ENV={environment} BASE=HEAD CHANGE=<this folder>. Or use BASE=deployed."
        )
    kept = CACHE / f"{commit}-{environment}"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        archive = BytesIO(_git(root, "archive", "--format=tar", commit).stdout)
        with tempfile.TemporaryDirectory(dir=CACHE) as name, tarfile.open(fileobj=archive) as files:
            folder = Path(name)
            files.extractall(folder, filter="data")
            (folder / ".venv").symlink_to(root / ".venv")
            try:
                _functions(folder, commit, root)
                made = synthesised(folder, environment, Path(sys.executable), folder / "cdk.out")
                try:
                    made.rename(kept)
                except OSError:
                    if not kept.exists():  # else another run was faster, with the same result
                        raise
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


def deployed(settings: Settings, client: Callable[[str], Any]) -> dict[str, Stack]:
    """Every deployed stack of the environment, by name; none before the first deployment.

    ``client`` makes a boto3 client of a service, in the environment's account.
    """
    cloudformation = client("cloudformation")
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return {
        one["StackName"]: _stack(cloudformation, settings, one)
        for one in (one for page in pages for one in page["Stacks"])
        if re.fullmatch(rf"{re.escape(settings.prefix)}-\w+", one["StackName"])
        and one["StackName"] != f"{settings.prefix}-{_OF_ANOTHER_APP}"
        and one["StackStatus"] not in _GONE
    }


def _stack(cloudformation: Any, settings: Settings, described: Document) -> Stack:
    name, environment = described["StackName"], settings.environment
    answer = cloudformation.get_template(StackName=name, TemplateStage="Processed")
    body = answer["TemplateBody"]  # boto3 reads JSON; CDK deploys nothing else
    if not isinstance(body, dict):
        raise ImpactError(f"impact: {name} was not deployed by this app. Compare it by hand.")
    artifact = {
        "environment": f"aws://{environment.account}/{environment.region}",
        "properties": {
            # No sample of AWS's has the field: where it is absent, there is nothing to compare.
            "terminationProtection": described.get(
                "EnableTerminationProtection", environment.termination_protection
            ),
            "tags": {one["Key"]: one["Value"] for one in described.get("Tags", [])},
        },
    }
    return Stack(name, json.loads(json.dumps(body)), artifact, [])


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
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            try:
                return _run(cdk, Path(folder), {"PATH": path, "HOME": folder})
            except ImpactError as reason:
                return str(reason)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _pins(requirements: str) -> set[str]:
    lines = (line.split("#")[0].strip() for line in requirements.splitlines())
    return {line for line in lines if line}


def _functions(folder: Path, commit: str, root: Path) -> None:
    """Lay the functions' packages out as that revision does, for their code to be compared."""
    if not _git(root, "status", "--porcelain", "--", *PACKED).stdout and not (
        _git(root, "diff", "--quiet", commit, "HEAD", "--", *PACKED).returncode
    ):
        shutil.copytree(root / "build" / "functions", folder / "build" / "functions")
    elif (folder / "tools" / "build_functions.sh").exists():
        _run(["tools/build_functions.sh"], folder, os.environ)


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    # With this variable the app would ask for look-ups that have no answer.
    environment = {key: value for key, value in variables.items() if key != "CDK_CLI_VERSION"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=True,
        ).stdout
    except subprocess.TimeoutExpired:
        raise ImpactError(f"impact: {command[-1]} took longer than {LONGEST} s.") from None
    except subprocess.CalledProcessError as failure:
        last = "\n".join(failure.stdout.strip().splitlines()[-12:])
        raise ImpactError(f"impact: {command[-1]} failed:\n{last}") from None


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, timeout=LONGEST, check=False)


def _json(file: Path) -> Document:
    try:
        found: Document = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError as problem:
        raise ImpactError(
            f"impact: {file.name} is no JSON: line {problem.lineno}, {problem.msg}. Fix it, or "
            "take the committed one again."
        ) from None
    return found
