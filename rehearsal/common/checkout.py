"""A copy of a checkout with settings of its own, and the real CDK command line on it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli_w

from emulator.clean_environment import ACCOUNT, REGION, ROOT
from emulator.engines import PROGRAMS, is_available
from environments import load
from environments.rotation_settings import SERVICES
from rehearsal.common.errors import RehearsalError, expect_that

_LONGEST = 600  # seconds that one command may take
_MOST_KEPT = 40  # assemblies
_CONTEXT = "cdk.context.json"
_MADE = {".venv", "__pycache__", "cdk.out", "cdk.out.delivery", "node_modules", "prepared"}
_SHOWN = 40  # lines of a failed command's output that are shown


class Cdk:
    """Runs commands of the tools in `root`; every line they print goes to `log`.

    `assemblies` is a folder of what was synthesised before, by the files that it was made from and
    `account`, what look-ups would find: without it every synth runs the app.
    """

    def __init__(
        self, folder: Path, environment: dict[str, str], log: Path, root: Path = ROOT
    ) -> None:
        self._folder = folder
        self._program = root / "node_modules/.bin/cdk"
        self._environment = environment | {
            "CDK_VALIDATION": "false",
            "CI": "true",
            "PATH": f"{root / '.venv/bin'}:{environment['PATH']}",
            "JSII_NODE": str(root / ".venv/bin/node"),
        }
        self._log = log
        self._assembly = folder / "cdk.out"
        self.assemblies: Path | None = None
        self.account = ""

    def bootstrap(self, empty: Path, qualifier: str | None = None) -> None:
        """Bootstrap the account, from a folder without cdk.json: with one, the app is run first."""
        empty.mkdir(exist_ok=True)
        given = ["--qualifier", qualifier] if qualifier else []
        self._run(empty, "bootstrap", f"aws://{ACCOUNT}/{REGION}", *given)

    def synth(self, environment_name: str) -> None:
        """Synthesise; what the context does not hold is asked of the embedded AWS."""
        kept = self.assemblies and self.assemblies / self._sources(environment_name)
        if kept and kept.exists():
            shutil.rmtree(self._assembly, ignore_errors=True)
            shutil.copytree(kept, self._assembly)
            shutil.move(self._assembly / _CONTEXT, self._folder / _CONTEXT)
            return
        self._run(self._folder, "synth", "--quiet", "--context", f"env={environment_name}")
        if kept:
            self._keep(kept)

    def _sources(self, environment_name: str) -> str:
        found = sha256(f"{environment_name} {self.account} {sys.version}".encode())
        for file in sorted(self._folder.rglob("*")):
            if file.is_file() and not _MADE & {*file.relative_to(self._folder).parts}:
                found.update(f"{file.relative_to(self._folder)} ".encode())
                found.update(sha256(file.read_bytes()).digest())
        return found.hexdigest()

    def _keep(self, kept: Path) -> None:
        made = kept.with_name(f"{kept.name}-{os.getpid()}")
        shutil.copytree(self._assembly, made)
        shutil.copy(self._folder / _CONTEXT, made)
        with suppress(OSError):  # another process has kept the same
            made.rename(kept)
        shutil.rmtree(made, ignore_errors=True)
        for old in sorted(kept.parent.iterdir(), key=os.path.getmtime)[:-_MOST_KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def deploy(self, stack: str) -> None:
        """Deploy one of the stacks that were synthesised; those that it needs are there."""
        self._on_assembly("deploy", stack, "--exclusively", "--require-approval", "never")

    def diff(self) -> str:
        """What a deployment would change, as printed; empty when nothing."""
        return self._on_assembly("diff", "--all", "--fail", accept=(0, 1))

    def destroy(self, *, expected_to_fail: bool = False) -> str:
        """Destroy every stack; returns what was printed."""
        accept = (1,) if expected_to_fail else (0,)
        return self._on_assembly("destroy", "--all", "--force", accept=accept)

    @property
    def stacks(self) -> list[str]:
        """The names of the synthesised stacks, each after those that it needs."""
        artifacts = json.loads((self._assembly / "manifest.json").read_text())["artifacts"]
        stacks = {
            name: [one for one in artifact.get("dependencies", []) if one in artifacts]
            for name, artifact in sorted(artifacts.items())
        }
        return [
            name
            for name in TopologicalSorter(stacks).static_order()
            if artifacts[name]["type"] == "aws:cloudformation:stack"
        ]

    def template(self, stack: str) -> dict[str, Any]:
        """The template that was synthesised for a stack."""
        found: dict[str, Any] = json.loads((self._assembly / f"{stack}.template.json").read_text())
        return found

    def _on_assembly(self, command: str, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        return self._run(
            self._folder, command, "--app", str(self._assembly), *arguments, accept=accept
        )

    def _run(self, folder: Path, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        command = [str(self._program), "--no-notices", *arguments]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=_LONGEST)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        with self._log.open("a") as log:
            log.write(f"$ cdk {' '.join(arguments)}\n{output}\n")
        if process.returncode not in accept:
            # After a failed deployment the command line sums up what failed, last.
            _, _, summary = output.rpartition("Failed resources:\n")
            shown = "\n".join(summary.strip().splitlines()[-_SHOWN:])
            raise RehearsalError(
                f"cdk {arguments[0]} ended with status {process.returncode}\n{shown}"
            )
        return output


PAGERDUTY_SECRET = "rehearsal/pagerduty"  # noqa: S105 - a name
PAGERDUTY_ADDRESS = "https://events.pagerduty.com/integration/rehearsal/enqueue"
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
    (folder / "docs").mkdir()  # make look shows the runbook's fix
    shutil.copy(root / "docs" / "runbook.md", folder / "docs")
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
        self.file = folder / "environments" / f"{name}.toml"

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
        """The environment's file in the copy."""
        return tomllib.loads(self.file.read_text())

    def set(self, key: str, value: object) -> None:
        """Give a key this value, None takes it away; the path is dotted, as `redis.engine`.

        Raises RehearsalError if its table is not there, or a key that is to be taken away.
        """
        document = self.settings
        table: Any = document
        *path, name = key.split(".")
        where = f"environments/{self.name}.toml: {key}"
        for part in path:
            table = table.get(part)
            expect_that(isinstance(table, dict), f"{where}: the table {part} is not there")
        if value is None:
            expect_that(name in table, f"{where}: this key is not there, so it cannot be removed")
            del table[name]
        else:
            table[name] = value
        self._write(document)

    def _write(self, document: dict[str, Any]) -> None:
        self.file.write_text(tomli_w.dumps(document))
