"""`make scale` on a deployment in use, and the revision that must not take it back."""

import pytest

from emulator.clean_environment import run_command
from rehearsal.common import commands
from rehearsal.common.deployed import described
from rehearsal.common.functions import check_health
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import started
from rehearsal.common.steps import DEPLOYED, deploy, follow, judge
from rehearsal.scaling import plain
from rehearsal.scaling.clients import deciding

KIND, REPLICAS = "cache.m6g.large", "3"


def scale(rehearsal: Rehearsal, confirm: str, *words: str) -> None:
    given = ("production", KIND, REPLICAS, confirm)
    command = commands.module("tools.scale", *given, *commands.cdk(rehearsal))
    commands.printed(rehearsal, command, *words)


@pytest.mark.plan("1")
def test_a_larger_node_and_a_replica_come_at_once_and_stay() -> None:
    with started() as rehearsal:
        follow(rehearsal, DEPLOYED[:2])
        plain.short_window(rehearsal)
        follow(rehearsal, DEPLOYED[2:])
        before, file = described(rehearsal), rehearsal.checkout.file
        text = file.read_text()

        size, refused = f"then: 4 nodes of {KIND}", "writes are refused for some seconds"
        scale(rehearsal, "", size, refused, "Nothing was changed")
        assert file.read_text() == text
        assert described(rehearsal)["MemberClusters"] == before["MemberClusters"]

        with deciding(rehearsal) as asking:
            scale(rehearsal, "production", "Merge build/scale")
        assert "none wrong" in asking.exact()
        after = described(rehearsal)
        for name in ("ReplicationGroupCreateTime", "ARN"):
            assert after[name] == before[name]
        assert (after["CacheNodeType"], len(after["MemberClusters"])) == (KIND, 4)
        assert "cpu_credit_balance" not in file.read_text()

        file.write_text(text)  # a revision from before it
        commands.printed(rehearsal, commands.guard(rehearsal), "scaled back", fails=True)
        folder = rehearsal.checkout.folder
        run_command(["patch", "-p1", "-i", "build/scale/production.patch"], folder, check=True)
        commands.printed(rehearsal, commands.guard(rehearsal))
        rehearsal.cdk.synth("production")
        deploy(rehearsal)
        assert "checks passed" in check_health(rehearsal)
        judge(rehearsal)
