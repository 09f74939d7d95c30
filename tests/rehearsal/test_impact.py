"""The impact beside what is deployed: asked of the embedded AWS, as of AWS."""

import sys
from typing import Any

import pytest

from emulator.clean_environment import run_command
from environments.load import load
from environments.schema import Settings
from rehearsal.common.rehearsal import Rehearsal
from tests.support import ROOT, Stacks
from tests.tools.impact.world import GROUP, World
from tools.assembly import read
from tools.impact.acknowledged import What
from tools.impact.revisions import deployed as stacks_of
from tools.impact.verdict import judge


@pytest.fixture
def settings(deployed: Rehearsal) -> Settings:
    return load("production", deployed.checkout.folder / "environments")


@pytest.fixture
def synthesised(deployed: Rehearsal) -> Stacks:
    return read(deployed.checkout.folder / "cdk.out")


def test_what_would_replace_the_deployed_group_asks(
    deployed: Rehearsal, settings: Settings, synthesised: Stacks
) -> None:
    head = World(synthesised)
    head.of(GROUP)["Port"] = 6380
    options = head.stacks["vibewell-redis-production-data"].artifact["properties"]
    options["terminationProtection"] = False
    stacks = stacks_of(settings, deployed.aws)
    found = judge("production", ("deployed", stacks), ("head", head.stacks), [], None)
    assert {(one.what, one.name) for one in found.open} == {
        (What.REPLACE, "the Redis group"),
        (What.CHANGE, "the stack vibewell-redis-production-data"),
    }


def test_the_command_asks_aws_and_passes_what_is_deployed(deployed: Rehearsal) -> None:
    folder = deployed.checkout.folder
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(ROOT / "node_modules")
    done = run_command(
        [sys.executable, "-m", "tools.impact", "production", "deployed"],
        folder,
        environment={**deployed.embedded_aws.environment, "PYTHONPATH": str(folder)},
        seconds=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("## ✅ production: no change")
    assert "`deployed` → " in done.stdout


def test_another_environment_of_the_same_account_is_not_mixed_in(
    deployed: Rehearsal, settings: Settings
) -> None:
    environment = settings.environment.model_copy(update={"name": "staging"})
    staging: Any = settings.model_copy(update={"environment": environment})
    assert stacks_of(staging, deployed.aws) == {}
