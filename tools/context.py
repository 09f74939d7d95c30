"""The app's assembly: what the CDK command line hands to the app, and where a synth writes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from environments import load
from tools.assembly import mapping_of
from tools.command import Answer

ROOT = Path(__file__).parent.parent
LONGEST = 600  # seconds that one step may take
# What the command line adds to what is deployed, so that it is no difference.
_METADATA = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def committed(folder: Path | None = None, flags: Path = ROOT) -> dict[str, Any]:
    """The feature flags of cdk.json and the answered look-ups of cdk.context.json. Raises Answer.

    ``folder`` holds the look-ups: by default the one above the settings files.
    """
    again = "Correct it, or take the committed one: git checkout -- {}"
    answers = (folder or load.FOLDER.parent) / "cdk.context.json"
    known = mapping_of(answers, again.format(answers.name)) if answers.exists() else {}
    file = flags / "cdk.json"
    context = mapping_of(file, again.format(file.name)) if file.exists() else {}
    return {**context.get("context", {}), **known}


def synthesised(folder: Path, environment: str, output: Path) -> Path:
    """Synthesise an environment with the files in a folder, without asking AWS. Raises Answer."""
    variables = {
        "CDK_CONTEXT_JSON": json.dumps(
            committed(folder, folder) | _METADATA | {"env": environment}
        ),
        "CDK_OUTDIR": str(output),
        "CDK_VALIDATION": "false",
        "JSII_NODE": str(Path(sys.executable).parent / "node"),
    }
    run([sys.executable, "app.py"], folder, {**os.environ, **variables})
    missing = mapping_of(output / "manifest.json", "Run it again.").get("missing")
    if missing:
        raise Answer(
            f"cdk.context.json: it has no answer for {missing[0]['key']}. Run make synth with "
            "credentials for the account, and commit the file."
        )
    return output


@contextmanager
def own_assembly(cdk: Sequence[str]) -> Iterator[Path]:
    """The assembly of one deployment, by the CDK command line, removed afterwards. Raises Answer.

    In a folder of its own: another synth takes cdk.out away while the deployment still reads it.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "cdk.out"
        run([*cdk, "synth", "--quiet", "--output", str(output)], Path(), os.environ)
        yield output


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> str:
    """What a command prints. Raises Answer with the end of it where the command fails."""
    # With this variable the app would ask for look-ups that have no answer.
    environment = {key: value for key, value in variables.items() if key != "CDK_CLI_VERSION"}
    what = " ".join(command[-4:])
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
        raise Answer(f"{what}: it took longer than {LONGEST} s. Run it again.") from None
    except subprocess.CalledProcessError as failure:
        last = "\n".join(failure.stdout.strip().splitlines()[-12:])
        raise Answer(f"{what}: it failed:\n{last}") from None
