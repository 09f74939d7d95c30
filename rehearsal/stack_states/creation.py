"""The first creation fails, as it does in an account that was not prepared, and is repeated."""

import json
from typing import Any

from rehearsal.common import commands
from rehearsal.common.checks import health
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step, account
from rehearsal.common.surroundings import PAGERDUTY_ADDRESS, PAGERDUTY_SECRET

MONITORING = "vibewell-redis-production-monitoring"
DATA = "vibewell-redis-production-data"
QUESTION = "Do you wish to deploy these changes"
_CAUSE = "Could not find a value associated with JSONKey in SecretString"


class FirstCreation:
    """Its steps begin with an empty account and end with production deployed."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """In their order; each leaves the account as the next one needs it."""
        return (
            ("cdk bootstrap", account.bootstrap),
            ("the account, with a PagerDuty secret of the wrong shape", self.surroundings),
            ("creation: killed at CDK's question", self.killed),
            ("creation: make deploy fails and says why", self.fails),
            ("creation: nothing of it is left", self.leaves_nothing),
            ("creation: refused without the stack's name", self.refused),
            ("creation: repeated, and failed again", self.fails_again),
            ("creation: the secret is repaired, the name is typed", self.succeeds),
        )

    def surroundings(self, rehearsal: Rehearsal) -> str:
        """A secret as PagerDuty's page suggests one: with the key of its other interface."""
        found = account.surroundings(rehearsal)
        _put(rehearsal, {"routing_key": "rehearsal"})
        return found

    def killed(self, rehearsal: Rehearsal) -> str:
        """The data stack is in review for good, protected and empty; nothing can be prepared."""
        command = commands.deploy(rehearsal, reviewed=False)
        with commands.at_a_terminal(rehearsal, command) as terminal:
            terminal.expect_exact(QUESTION)
        expect(DATA, _state(rehearsal, DATA), ("REVIEW_IN_PROGRESS", True))
        done = commands.run(rehearsal, commands.prepare(rehearsal))
        says = "Run make deploy ENV=production, which creates it"
        expect_that(says in done.stderr, f"make prepare does not say so: {done.stderr}")
        return f"{DATA} is REVIEW_IN_PROGRESS"

    def fails(self, rehearsal: Rehearsal) -> str:
        """Data, which was in review, and operations are deployed; monitoring is rolled back."""
        in_review = _described(rehearsal, DATA)["StackId"]
        done = commands.run(rehearsal, commands.deploy(rehearsal))
        expect("the status of make deploy", done.returncode, 1)
        for words in (_CAUSE, f"{MONITORING} is ROLLBACK_COMPLETE", "asks for the stack's name"):
            expect_that(words in done.stderr, f"make deploy does not say {words!r}: {done.stderr}")
        expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
        expect(DATA, _state(rehearsal, DATA), ("CREATE_COMPLETE", True))
        expect("the id of the stack", _described(rehearsal, DATA)["StackId"], in_review)
        return _CAUSE

    def leaves_nothing(self, rehearsal: Rehearsal) -> str:
        """No resource of the stack is there any more, a key and a bucket neither."""
        said = commands.run(rehearsal, commands.module("tools.stacks", "production")).stdout
        expect_that(_CAUSE in said, f"make stacks does not say why: {said}")
        expect_that("failed and left" not in said, f"something was left: {said}")
        buckets = [one["Name"] for one in rehearsal.aws("s3").list_buckets()["Buckets"]]
        expect("buckets beside the bootstrap's", [b for b in buckets if "cdk-" not in b], [])
        kms = rehearsal.aws("kms")
        states = [
            kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
            for key in kms.list_keys()["Keys"]
        ]
        expect("keys", sorted(states), ["Enabled", "PendingDeletion"])
        return "the data stack's key stays, monitoring's is deleted in 30 days"

    def refused(self, rehearsal: Rehearsal) -> str:
        """Without a terminal, with another stack's name, and with another name typed."""
        for recreate, says in (
            ("", f"make deploy ENV=production RECREATE={MONITORING}"),
            (DATA, f"RECREATE names {DATA}, which is CREATE_COMPLETE"),
        ):
            done = commands.run(rehearsal, commands.deploy(rehearsal, recreate=recreate))
            expect("the status of make deploy", done.returncode, 1)
            expect_that(says in done.stderr, f"instead of {says!r} it says {done.stderr}")
        status, said = _typed(rehearsal, DATA)
        expect_that(status == 1 and "nothing was changed" in said, f"it says {said}")
        expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
        return "and the stack is protected as before"

    def fails_again(self, rehearsal: Rehearsal) -> str:
        """The cause is still there: the new stack ends as the first one did."""
        before = _described(rehearsal)["StackId"]
        done = commands.run(rehearsal, commands.deploy(rehearsal, recreate=MONITORING))
        expect("the status of make deploy", done.returncode, 1)
        expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
        expect_that(_described(rehearsal)["StackId"] != before, "the stack was not created again")
        return "it is another stack, in the same state"

    def succeeds(self, rehearsal: Rehearsal) -> str:
        """At a terminal: the name is asked for, and everything is deployed and well."""
        _put(rehearsal, {"integration_url": PAGERDUTY_ADDRESS})
        status, said = _typed(rehearsal, MONITORING)
        expect_that(status == 0, f"make deploy failed:\n{said}")
        expect(MONITORING, _state(rehearsal), ("CREATE_COMPLETE", True))
        return health.check(rehearsal)


def _typed(rehearsal: Rehearsal, name: str) -> tuple[int, str]:
    """The deployment at a terminal, where this name is typed."""
    with commands.at_a_terminal(rehearsal, commands.deploy(rehearsal)) as terminal:
        terminal.expect_exact("Type its name to continue: ")
        terminal.sendline(name)
        return commands.ended(terminal)


def _put(rehearsal: Rehearsal, value: dict[str, str]) -> None:
    rehearsal.aws("secretsmanager").put_secret_value(
        SecretId=PAGERDUTY_SECRET, SecretString=json.dumps(value)
    )


def _state(rehearsal: Rehearsal, stack: str = MONITORING) -> tuple[str, bool]:
    """Its status, and whether it is protected."""
    found = _described(rehearsal, stack)
    return found["StackStatus"], found["EnableTerminationProtection"]


def _described(rehearsal: Rehearsal, stack: str = MONITORING) -> dict[str, Any]:
    (found,) = rehearsal.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    described: dict[str, Any] = found
    return described
