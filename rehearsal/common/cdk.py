"""The real CDK command line, run on the copy of the checkout."""

import json
import os
import signal
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from emulator.clean_environment import ACCOUNT, REGION, ROOT
from emulator.errors import RehearsalError

_LONGEST = 600  # seconds that one command may take
_TOLD = 40  # lines of a failed command's output that are shown


class Cdk:
    """Runs commands of the tools in `root`; every line they print goes to `log`."""

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

    def bootstrap(self, empty: Path) -> None:
        """Bootstrap the account, from a folder without cdk.json: with one, the app is run first."""
        empty.mkdir(exist_ok=True)
        self._run(empty, "bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def synth(self, environment_name: str) -> None:
        """Synthesise; what the context does not hold is asked of the embedded AWS."""
        self._run(self._folder, "synth", "--quiet", "--context", f"env={environment_name}")

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
            told = "\n".join(summary.strip().splitlines()[-_TOLD:])
            raise RehearsalError(
                f"cdk {arguments[0]} ended with status {process.returncode}\n{told}"
            )
        return output
