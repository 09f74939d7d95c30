"""`make scale` while the limiter decides: a larger node and a replica, by the data stack alone."""

import subprocess
from pathlib import Path

from rehearsal.common import commands
from rehearsal.common.deployed import application, described
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.functions import check_health
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import deploy
from rehearsal.scaling.clients import Clients, exact
from vibewell_redis.keys import PREFIX

KIND, REPLICAS = "cache.m6g.large", 3
_STAYS = ("ReplicationGroupCreateTime", "ARN")


class Urgent:
    """The acts, on a deployment of production."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        name = rehearsal.checkout.name
        self._file = rehearsal.checkout.folder / "environments" / f"{name}.toml"
        self._before = self._file.read_text()

    def shown(self) -> str:
        """Without the environment's name nothing is done, and the file is as it was."""
        said = self._scale("", 0)
        for words in ("then: 4 nodes of cache.m6g.large", "writes are refused for some seconds"):
            expect_that(words in said, f"make scale does not say {words!r}:\n{said}")
        expect_that("Nothing was changed" in said, said)
        expect("the file", self._file.read_text(), self._before)
        expect("nodes", len(described(self._rehearsal)["MemberClusters"]), REPLICAS)
        return "price, interruption, change set"

    def scaled(self) -> str:
        """The same group with larger and more nodes; no decision was wrong meanwhile."""
        before = described(self._rehearsal)
        with application(self._rehearsal) as settings, Clients(settings, [PREFIX]) as asking:
            said = self._scale("production", 0)
        after = described(self._rehearsal)
        for name in _STAYS:
            expect(name, after[name], before[name])
        expect("node type", after["CacheNodeType"], KIND)
        expect("nodes", len(after["MemberClusters"]), 1 + REPLICAS)
        expect_that("cpu_credit_balance" not in self._file.read_text(), "the credit alarm stayed")
        expect_that(self._patch.exists() and "Merge build/scale" in said, said)
        return exact(asking, settings)

    def is_not_undone(self) -> str:
        """The delivery of a revision from before it is refused; the patch makes it whole."""
        self._file.write_text(self._before)
        done = self._guard()
        expect_that(done.returncode == 1 and "scaled back" in done.stderr, done.stderr)
        subprocess.run(
            ["patch", "-p1", "-i", str(self._patch)],
            cwd=self._rehearsal.checkout.folder,
            check=True,
            capture_output=True,
            timeout=30,
        )
        done = self._guard()
        expect_that(done.returncode == 0, done.stderr)
        self._rehearsal.cdk.synth(self._rehearsal.checkout.name)
        deploy(self._rehearsal)
        return check_health(self._rehearsal)

    @property
    def _patch(self) -> Path:
        return self._rehearsal.checkout.folder / "build/scale/production.patch"

    def _guard(self) -> "subprocess.CompletedProcess[str]":
        name = self._rehearsal.checkout.name
        return commands.run(self._rehearsal, commands.module("tools.deploy_guard", name))

    def _scale(self, confirm: str, status: int) -> str:
        command = commands.module(
            "tools.scale",
            *("production", KIND, str(REPLICAS), confirm),
            *commands.cdk(self._rehearsal),
        )
        done = commands.run(self._rehearsal, command)
        said = done.stdout + done.stderr
        expect_that(done.returncode == status and "Traceback" not in said, f"make scale:\n{said}")
        return said
