"""Updates and deletions that fail, are killed or meet another one, and the command on from each."""

import os
import re
import shutil
import subprocess

from emulator.clean_environment import ROOT
from rehearsal.common import commands
from rehearsal.common.checks import health
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import GROUP, described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step
from rehearsal.stack_states.creation import DATA, MONITORING, QUESTION
from rehearsal.stack_states.small_stacks import settled

_DAYS = "snapshot_retention_days"
_LONGEST = 120  # seconds


class WaysOn:
    """Its steps are those of a rehearsal in which production is deployed; each ends as it began."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """In any order."""
        return (
            ("states: two deployments at once", self.two_at_once),
            ("states: an update and its rollback fail", self.stuck),
            ("states: a deployment is killed in the middle", self.killed),
            ("states: an update is paused", self.paused),
            ("states: a deletion fails", self.half_deleted),
            ("states: and it is well", health.check),
        )

    def two_at_once(self, rehearsal: Rehearsal) -> str:
        """Both have prepared their change when the first is told to go on: it executes its own."""
        other = rehearsal.folder / "other-checkout"
        shutil.copytree(rehearsal.checkout.folder, other, symlinks=True)
        asks = [*commands.deploy(rehearsal, reviewed=False), "--require-approval", "any-change"]
        days = _more_days(rehearsal)
        with commands.at_a_terminal(rehearsal, asks) as first:
            first.expect_exact(QUESTION)
            settings = other / "environments/production.toml"
            text = settings.read_text()
            settings.write_text(re.sub(rf"^{_DAYS} = \d+", f"{_DAYS} = 15", text, flags=re.M))
            with commands.at_a_terminal(rehearsal, asks, other) as second:
                second.expect_exact(QUESTION)
                first.sendline("y")
                first.expect_exact(QUESTION)  # of the operations stack
                first.sendline("y")
                status, said = commands.ended(first)
                expect_that(status == 0, f"the first deployment failed:\n{said}")
                expect("days of backups", described(rehearsal)["SnapshotRetentionLimit"], days)
                second.sendline("y")
                status, said = commands.ended(second)
                expect_that(status != 0, f"the second deployment was executed:\n{said}")
        shutil.rmtree(other)
        expect("days of backups", described(rehearsal)["SnapshotRetentionLimit"], days)
        return "the first executed its own change set, the second none"

    def stuck(self, rehearsal: Rehearsal) -> str:
        """UPDATE_ROLLBACK_FAILED: the rest of the rollback fails once more, then it is skipped."""
        for operation in ("update", "revert", "revert"):
            rehearsal.ask("fail_once", kind=GROUP, operation=operation)
        _more_days(rehearsal)
        said = _refused(rehearsal, f"{DATA} is UPDATE_ROLLBACK_FAILED")
        expect_that("The rehearsal let this operation fail" in said, f"it gives no reason: {said}")
        _refused(rehearsal, f"{DATA} is UPDATE_ROLLBACK_FAILED", command="prepare")
        _type_printed(rehearsal, said, "continue-update-rollback", without="--resources-to-skip")
        settled(rehearsal, DATA, "UPDATE_ROLLBACK_FAILED")
        stacks = commands.run(rehearsal, commands.module("tools.stacks", "production")).stdout
        _type_printed(rehearsal, stacks, "--resources-to-skip")
        settled(rehearsal, DATA, "UPDATE_ROLLBACK_COMPLETE")
        return _deployed(rehearsal)

    def killed(self, rehearsal: Rehearsal) -> str:
        """CloudFormation goes on alone; until it has ended no other deployment begins."""
        rehearsal.ask("hold", kind=GROUP, operation="update")
        _more_days(rehearsal)
        with commands.at_a_terminal(rehearsal, commands.deploy(rehearsal)):
            settled(rehearsal, DATA, "UPDATE_IN_PROGRESS")
        for command in ("deploy", "prepare"):
            _refused(rehearsal, f"{DATA} is UPDATE_IN_PROGRESS", command=command)
        rehearsal.ask("release")
        settled(rehearsal, DATA, "UPDATE_COMPLETE")
        return _deployed(rehearsal)

    def paused(self, rehearsal: Rehearsal) -> str:
        """UPDATE_FAILED: as somebody leaves it who deploys by hand with --no-rollback."""
        rehearsal.ask("fail_once", kind=GROUP, operation="update")
        _more_days(rehearsal)
        by_hand = ("deploy", DATA, "--no-rollback", "--require-approval", "never")
        done = commands.run(rehearsal, [*commands.cdk(rehearsal), *by_hand])
        expect_that(done.returncode != 0, "a deployment whose update failed ended well")
        said = _refused(rehearsal, f"{DATA} is UPDATE_FAILED")
        _type_printed(rehearsal, said, "rollback-stack")
        settled(rehearsal, DATA, "UPDATE_ROLLBACK_COMPLETE")
        return _deployed(rehearsal)

    def half_deleted(self, rehearsal: Rehearsal) -> str:
        """DELETE_FAILED: the deletion goes on, and the stack is created anew."""
        client = rehearsal.aws("cloudformation")
        client.update_termination_protection(
            StackName=MONITORING, EnableTerminationProtection=False
        )
        rehearsal.ask("fail_once", kind="AWS::SNS::Topic", operation="delete")
        client.delete_stack(StackName=MONITORING)
        settled(rehearsal, MONITORING, "DELETE_FAILED")
        said = _refused(rehearsal, f"{MONITORING} is DELETE_FAILED")
        _type_printed(rehearsal, said, "stack", without="--retain-resources")
        return _deployed(rehearsal)


def _more_days(rehearsal: Rehearsal) -> int:
    """One more day of backups: a change of the data and the operations stack."""
    days: int = rehearsal.checkout.settings["redis"][_DAYS] + 1
    rehearsal.checkout.set(_DAYS, str(days))
    return days


def _refused(rehearsal: Rehearsal, says: str, *, command: str = "deploy") -> str:
    """What the command says that goes no further; RehearsalError if it does."""
    asked = commands.prepare if command == "prepare" else commands.deploy
    done = commands.run(rehearsal, asked(rehearsal))
    expect_that(done.returncode != 0, f"make {command} ended well:\n{done.stdout}")
    expect_that(says in done.stderr, f"make {command} does not say {says!r}:\n{done.stderr}")
    return done.stderr


def _deployed(rehearsal: Rehearsal) -> str:
    """The deployment goes through, and what was asked for is there."""
    done = commands.run(rehearsal, commands.deploy(rehearsal))
    expect_that(done.returncode == 0, f"make deploy failed:\n{done.stderr}")
    days = rehearsal.checkout.settings["redis"][_DAYS]
    expect("days of backups", described(rehearsal)["SnapshotRetentionLimit"], days)
    return f"then make deploy went through: {days} days of backups"


def _type_printed(rehearsal: Rehearsal, said: str, words: str, *, without: str = "-x-") -> None:
    """Run the printed commands with these words as a person copies them; each must end well."""
    printed = [
        line
        for line in re.findall(r"^  (aws .*)$", said, re.M)
        if words in line and without not in line
    ]
    expect_that(bool(printed), f"no command with {words!r} is printed:\n{said}")
    environment = commands.environment(rehearsal)
    path = f"{ROOT / '.venv-cli/bin'}:{os.environ['PATH']}"
    for line in dict.fromkeys(printed):
        done = subprocess.run(
            ["bash", "-euc", line],
            env=environment | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        expect_that(done.returncode == 0, f"{line} failed: {done.stderr}")
