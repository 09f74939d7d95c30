"""Environments -> stacks, and nothing else."""

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from constructs.common.own_function import PACKAGES
from environments.fault import reported
from environments.load import SettingsError, environment_names, load
from environments.schema import Settings
from environments.together import refuse_shared
from stacks.data import DataStack
from stacks.monitoring import MonitoringStack
from stacks.operations import OperationsStack

ROOT = Path(__file__).resolve().parent
FAULT = ROOT / "build" / "synth-fault.txt"


def build(app: cdk.App, environments: Iterable[Settings]) -> None:
    """Add the stacks of each environment to ``app``."""
    for settings in environments:
        data = DataStack(app, settings=settings)
        operations = OperationsStack(app, settings=settings, data=data)
        MonitoringStack(app, settings=settings, data=data, operations=operations)


# What is looked up in the VPC that CDK has before it knows the real one.
_DUMMY_VPC = "vpc-12345"


def main() -> None:
    """Synthesise all environments, or the one that ``-c env=NAME`` names."""
    try:
        synthesise()
    except SettingsError as problem:
        sys.exit(str(problem))
    except RuntimeError as problem:
        errors = re.findall(r"^(?:.*ValidationFailed: )?ERROR (.*)", str(problem), re.MULTILINE)
        sys.exit("\n".join(dict.fromkeys(errors)) or reported(problem, "synth", FAULT))
    except Exception as problem:  # noqa: BLE001 - whatever it is, a user gets one line
        sys.exit(reported(problem, "synth", FAULT))


def synthesise() -> None:
    """Exit with the reason where something is missing; SettingsError for a user's mistake."""
    gc.freeze()  # the library's objects live until the end: never search them for garbage
    app = cdk.App(analytics_reporting=False)
    only = app.node.try_get_context("env")
    if not list(PACKAGES.glob("*.zip")):
        lay_out_functions()
    environments = [load(name) for name in ([only] if only else environment_names())]
    for settings in environments:
        refuse_shared(settings)
    refuse_failed_look_ups(app.node.get_all_context())
    build(app, environments)
    refuse_dummies(Path(app.synth().directory))


def refuse_failed_look_ups(context: Mapping[str, Any]) -> None:
    """Exit with why the CDK command line could not ask AWS, before dummies are validated."""
    failed = {
        key: answer["$providerError"]
        for key, answer in context.items()
        if isinstance(answer, dict) and "$providerError" in answer and _DUMMY_VPC not in key
    }
    if failed:
        sys.exit(
            f"{'; '.join(dict.fromkeys(failed.values()))}. These are looked up in AWS once, and "
            "cdk.context.json does not know them yet:\n"
            + "\n".join(f"  {key}" for key in failed)
            + "\nRun make synth with credentials for the account, in which each is there by the "
            "name that the environment's [network.vpc] gives."
        )


def lay_out_functions() -> None:
    """Make the functions' packages, as `make setup` does; exit with the reason if that fails."""
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        [ROOT / "tools" / "build_functions.sh"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"build/functions: the functions could not be packed: {why}. Run make setup.")


def refuse_dummies(assembly: Path) -> None:
    """Exit unless every look-up was answered; the CDK command line answers them by asking AWS.

    Without an answer CDK puts dummies such as vpc-12345 into the template.
    """
    missing = json.loads((assembly / "manifest.json").read_text()).get("missing", [])
    if missing and "CDK_CLI_VERSION" not in os.environ:
        wanted = "\n".join(f"  {look_up['key']}" for look_up in missing)
        sys.exit(
            "cdk.context.json does not know these, and only the CDK command line can ask AWS "
            f"for them:\n{wanted}\nRun make synth with credentials for the account."
        )


if __name__ == "__main__":
    main()
