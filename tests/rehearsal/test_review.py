"""The review beside what is deployed: asked of the embedded AWS, as of AWS."""

import subprocess
import sys
from typing import Any

import pytest

from environments.load import load
from environments.schema import Settings
from rehearsal.common.rehearsal import Rehearsal
from tests.support import ROOT, Stacks
from tests.tools.review.world import GROUP, World
from tools.assembly import read
from tools.review.deployed import deployed as stacks_of
from tools.review.errors import ReviewError
from tools.review.findings import What
from tools.review.verdict import judge


@pytest.fixture
def settings(deployed: Rehearsal) -> Settings:
    return load("production", deployed.checkout.folder / "environments")


@pytest.fixture
def synthesised(deployed: Rehearsal) -> Stacks:
    return read(deployed.checkout.folder / "cdk.out")


def test_what_was_just_deployed_has_nothing_to_review(
    deployed: Rehearsal, settings: Settings, synthesised: Stacks
) -> None:
    stacks = stacks_of(settings, deployed.aws)
    assert set(stacks) == set(synthesised)
    review = judge("production", ("deployed", stacks), ("head", synthesised), [], None)
    assert list(review.changes) == []
    assert list(review.findings) == []
    assert review.passes


def test_what_would_replace_the_deployed_group_is_refused(
    deployed: Rehearsal, settings: Settings, synthesised: Stacks
) -> None:
    head = World(synthesised)
    head.of(GROUP)["Port"] = 6380
    head.stacks["vibewell-redis-production-data"].artifact["properties"][
        "terminationProtection"
    ] = False
    stacks = stacks_of(settings, deployed.aws)
    review = judge("production", ("deployed", stacks), ("head", head.stacks), [], None)
    assert not review.passes
    assert {(one.what, one.kind) for one in review.open} >= {
        (What.REPLACE, GROUP),
        (What.WEAKEN, "AWS::CloudFormation::Stack"),
    }


def test_the_command_asks_aws_and_passes_what_is_deployed(deployed: Rehearsal) -> None:
    folder = deployed.checkout.folder
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(ROOT / "node_modules")
    done = subprocess.run(
        [sys.executable, "-m", "tools.review", "production", "deployed"],
        cwd=folder,
        env={**deployed.embedded_aws.environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("## ✅ production: no change")
    assert "`deployed` → " in done.stdout


def test_credentials_for_another_account_are_refused(
    deployed: Rehearsal, settings: Settings
) -> None:
    environment = settings.environment.model_copy(update={"account": "777788889999"})
    other = settings.model_copy(update={"environment": environment})
    with pytest.raises(ReviewError, match="use credentials for 777788889999"):
        stacks_of(other, deployed.aws)


def test_another_environment_of_the_same_account_is_not_mixed_in(
    deployed: Rehearsal, settings: Settings
) -> None:
    environment = settings.environment.model_copy(update={"name": "staging"})
    staging: Any = settings.model_copy(update={"environment": environment})
    assert stacks_of(staging, deployed.aws) == {}
