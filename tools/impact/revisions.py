"""Both sides of a comparison as they are synthesised or deployed, and their ``cdk diff``."""

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
from tools.assembly import Document, Stack, text_of
from tools.command import Answer
from tools.context import LONGEST, ROOT, run, synthesised

# What packages are made of.
PACKED = ("lambda", "drawing", "tools/build_functions.sh", "tools/pack.py")
_OF_ANOTHER_APP = "delivery"  # the workflows' roles: tools/delivery_app.py
# A stack that is on its way out, or never came to be, holds nothing to compare with.
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE")


def commit_of(revision: str, root: Path = ROOT) -> str:
    """The commit that a revision names. Raises Answer if there is none."""
    wanted = ("--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(root, "rev-parse", "--verify", *wanted)
    if done.returncode:
        raise Answer(
            f"impact: {revision!r} is no revision of this repository. Name a commit, branch or "
            "tag, fetched beforehand, or BASE=deployed."
        )
    return done.stdout.decode().strip()


def file_at(commit: str, path: str, root: Path = ROOT) -> str:
    """The text of a file in a commit; nothing if the commit has no such file."""
    done = _git(root, "show", f"{commit}:{path}")
    return "" if done.returncode else done.stdout.decode(errors="replace")


def extract(commit: str, folder: Path, root: Path = ROOT) -> None:
    """Write the files of a commit into a folder."""
    archive = BytesIO(_git(root, "archive", "--format=tar", commit).stdout)
    with tarfile.open(fileobj=archive) as files:
        files.extractall(folder, filter="data")


def label_of(folder: Path) -> str:
    """How the report names a checkout: its commit, "-dirty" where it holds more than that."""
    label = _git(folder, "describe", "--always", "--dirty", "--exclude=*").stdout.decode()
    return label.strip() or "the checkout"  # files without a repository


def assembly_at(commit: str, environment: str, scratch: Path, root: Path = ROOT) -> Path | None:
    """The assembly of an environment in a commit, below ``scratch``; None without one.

    Raises Answer where the commit pins other versions: ours would hide what an upgrade does.
    """
    if not file_at(commit, f"environments/{environment}.toml", root):
        return None
    here = text_of(root / "requirements.txt", "Take the committed one again.")
    texts = (here, file_at(commit, "requirements.txt", root))
    pins = [{line.split("#")[0].strip() for line in text.splitlines()} - {""} for text in texts]
    if pins[0] != pins[1]:
        raise Answer(
            f"impact: {commit[:9]} pins other versions in requirements.txt than this checkout, and "
            "with these its templates would not show what an upgrade does. Let the base judge, as "
            "a pull request does: make synth here; then, in a checkout of the base: make setup "
            f"impact ENV={environment} BASE=HEAD CHANGE=<this folder>. Or use BASE=deployed."
        )
    folder = scratch / "base"
    extract(commit, folder, root)
    (folder / ".venv").symlink_to(root / ".venv")
    try:
        # The functions' packages as that revision has them, for their code to be compared.
        if not _git(root, "status", "--porcelain", "--", *PACKED).stdout and not (
            _git(root, "diff", "--quiet", commit, "HEAD", "--", *PACKED).returncode
        ):
            shutil.copytree(root / "build" / "functions", folder / "build" / "functions")
        elif (folder / "tools" / "build_functions.sh").exists():
            run(["tools/build_functions.sh"], folder, os.environ)
        return synthesised(folder, environment, folder / "cdk.out")
    except Answer as reason:
        raise Answer(f"{reason}\n(synthesising {commit[:9]}, the base)") from None


def deployed(settings: Settings, client: Callable[[str], Any]) -> dict[str, Stack]:
    """Every deployed stack of the environment, by name; none before the first deployment.

    ``client`` makes a boto3 client of a service, in the environment's account.
    """
    cloudformation = client("cloudformation")
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return {
        one["StackName"]: _stack(cloudformation, settings, one)
        for page in pages
        for one in page["Stacks"]
        if re.fullmatch(rf"{re.escape(settings.prefix)}-\w+", one["StackName"])
        and one["StackName"] != f"{settings.prefix}-{_OF_ANOTHER_APP}"
        and one["StackStatus"] not in _GONE
    }


def _stack(cloudformation: Any, settings: Settings, described: Document) -> Stack:
    name, environment = described["StackName"], settings.environment
    answer = cloudformation.get_template(StackName=name, TemplateStage="Processed")
    body = answer["TemplateBody"]  # boto3 reads JSON; CDK deploys nothing else
    if not isinstance(body, dict):
        raise Answer(f"impact: {name} was not deployed by this app. Compare it by hand.")
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
                return run(cdk, Path(folder), {"PATH": path, "HOME": folder})
            except Answer as reason:
                return str(reason)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, timeout=LONGEST, check=False)
