"""Environments -> stacks, and nothing else."""

import gc
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import aws_cdk as cdk

from constructs.common.own_function import PACKAGES
from environments.load import SettingsError, environment_names, load, refuse_shared_servers
from environments.schema import Settings
from stacks.data import DataStack
from stacks.monitoring import MonitoringStack
from stacks.operations import OperationsStack


def build(app: cdk.App, environments: Iterable[Settings]) -> None:
    """Add the stacks of each environment to ``app``."""
    for settings in environments:
        data = DataStack(app, settings=settings)
        operations = OperationsStack(app, settings=settings, data=data)
        MonitoringStack(app, settings=settings, data=data, operations=operations)


def main() -> None:
    """Synthesise all environments, or the one that ``-c env=NAME`` names."""
    gc.freeze()  # the library's objects live until the end: never search them for garbage
    app = cdk.App(analytics_reporting=False)
    only = app.node.try_get_context("env")
    if not list(PACKAGES.glob("*.zip")):
        sys.exit("build/functions is not there: run make setup, which lays the functions out.")
    try:
        environments = [load(name) for name in ([only] if only else environment_names())]
        for settings in environments:
            refuse_shared_servers(settings)
        build(app, environments)
    except SettingsError as problem:
        sys.exit(str(problem))
    refuse_dummies(Path(app.synth().directory))


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
