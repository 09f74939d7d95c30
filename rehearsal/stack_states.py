"""`make rehearse-states`: creations and updates that fail, and a way on from every state."""

import json
import os
import re
import shutil
import sys
import uuid
from functools import partial
from typing import Any

from emulator.clean_environment import ROOT, run_command
from rehearsal.common import commands, functions, steps
from rehearsal.common.checkout import PAGERDUTY_ADDRESS, PAGERDUTY_SECRET
from rehearsal.common.deployed import GROUP, described
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, paged
from rehearsal.common.run import perform
from rehearsal.common.stacks import settled, uploaded
from rehearsal.common.steps import Step

MONITORING = "vibewell-redis-production-monitoring"
DATA = "vibewell-redis-production-data"
FIRST, SECOND = "AWS::SecretsManager::Secret", "AWS::SNS::Topic"
FAILED = "Secret"  # the logical id of what fails last, where something can be skipped or retained

Operation = tuple[str, str]
# What is asked of CloudFormation, and the operations that fail meanwhile.
_WAYS: dict[str, tuple[str, tuple[Operation, ...]]] = {
    "REVIEW_IN_PROGRESS": ("review", ()),
    "ROLLBACK_COMPLETE": ("create", ((SECOND, "create"),)),
    "ROLLBACK_FAILED": ("create", ((SECOND, "create"), (FIRST, "delete"))),
    "CREATE_FAILED": ("create", ((SECOND, "create"),)),
    "UPDATE_FAILED": ("update", ((SECOND, "update"),)),
    "UPDATE_ROLLBACK_FAILED": ("update", ((SECOND, "update"), (FIRST, "revert"))),
    "DELETE_FAILED": ("delete", ((FIRST, "delete"),)),
    "UPDATE_IN_PROGRESS": ("update", ()),
}


def in_state(rehearsal: Rehearsal, status: str) -> str:
    """Make one and return its name; a state in which something lasts ends with the next one."""
    name, client = f"small-{uuid.uuid4().hex[:8]}", rehearsal.aws("cloudformation")
    asked, failing = _WAYS[status]
    rehearsal.ask("release")
    if asked == "review":
        client.create_change_set(
            StackName=name, ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=_body("old")
        )
        return name
    if asked != "create":
        client.create_stack(StackName=name, TemplateBody=_body("old"))
        settled(rehearsal, name, "CREATE_COMPLETE")
    for kind, operation in failing:
        rehearsal.ask("fail_once", kind=kind, operation=operation)
    if status == "UPDATE_IN_PROGRESS":
        rehearsal.ask("hold", kind=FIRST, operation="update")
    paused = {"DisableRollback": True} if status in ("CREATE_FAILED", "UPDATE_FAILED") else {}
    if asked == "delete":
        client.delete_stack(StackName=name)
    else:
        change = client.create_stack if asked == "create" else client.update_stack
        change(StackName=name, TemplateBody=_body("new"), **paused)
    settled(rehearsal, name, status)
    return name


def _body(description: str) -> str:
    secret = {"SecretString": "x", "Description": description}
    topic = {"DisplayName": description}
    return json.dumps(
        {
            "Resources": {
                "Secret": {"Type": FIRST, "Properties": secret},
                "Topic": {"Type": SECOND, "DependsOn": "Secret", "Properties": topic},
            }
        }
    )


_NOTHING = "AWS::CDK::Metadata"  # no service makes it, so it cannot fail


def every_type(only: frozenset[str] = frozenset()) -> tuple[Step, ...]:
    """Each type, or each of ``only``, fails once. Change sets are used, as by the CDK command line.

    The updates first: the creations begin with the deletion of every stack.
    """
    return (
        ("states: each type fails once at an update", partial(updates_fail, only=only)),
        ("states: each type fails once at its creation", partial(creations_fail, only=only)),
    )


def updates_fail(rehearsal: Rehearsal, *, only: frozenset[str]) -> str:
    """Each is rolled back, the nodes are the same, and the next attempt goes through."""
    made = described(rehearsal)["ReplicationGroupCreateTime"]
    failed = 0
    for stack in rehearsal.cdk.stacks:
        for kind in _types(rehearsal, stack, only):
            rehearsal.ask("fail_once", kind=kind, operation="update")
            _execute(rehearsal, stack, "UPDATE_ROLLBACK_COMPLETE", attempt=kind.replace("::", "-"))
            failed += 1
        _execute(rehearsal, stack, "UPDATE_COMPLETE", attempt="the-last")
    expect("the group's creation", described(rehearsal)["ReplicationGroupCreateTime"], made)
    return f"{failed} updates rolled back, the nodes are the same"


def creations_fail(rehearsal: Rehearsal, *, only: frozenset[str]) -> str:
    """Each leaves nothing that the next attempt would meet, and the last one goes through."""
    steps.lift_protection(rehearsal)
    steps.destroy(rehearsal)
    steps.delete_left_user(rehearsal)
    failed = 0
    for stack in rehearsal.cdk.stacks:
        for kind in _types(rehearsal, stack, only):
            rehearsal.ask("fail_once", kind=kind, operation="create")
            _execute(rehearsal, stack, "ROLLBACK_COMPLETE")
            _nothing_is_left(rehearsal, stack, kind)
            gone = _described(rehearsal, stack)["StackId"]
            rehearsal.aws("cloudformation").delete_stack(StackName=stack)
            settled(rehearsal, gone, "DELETE_COMPLETE")
            failed += 1
        _execute(rehearsal, stack, "CREATE_COMPLETE")
    return f"{failed} creations rolled back, nothing of them is left"


def _types(rehearsal: Rehearsal, stack: str, only: frozenset[str]) -> list[str]:
    resources = rehearsal.cdk.template(stack)["Resources"].values()
    found = {resource["Type"] for resource in resources} - {_NOTHING}
    return sorted(found & (only or found))


def _execute(rehearsal: Rehearsal, stack: str, ends: str, **tags: str) -> None:
    """A change set of the synthesised template, which adds these tags to a stack or creates it.

    It must end so, and what was to fail meanwhile must have failed.
    """
    client = rehearsal.aws("cloudformation")
    made = client.create_change_set(
        StackName=stack,
        ChangeSetName=f"every-type-{uuid.uuid4().hex[:8]}",
        ChangeSetType="UPDATE" if tags else "CREATE",
        TemplateURL=uploaded(rehearsal, rehearsal.cdk.template(stack)),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": name, "Value": tags[name]} for name in tags],
    )
    client.execute_change_set(ChangeSetName=made["Id"])
    settled(rehearsal, stack, ends)
    expect(f"what was to fail in {stack} and did not", rehearsal.ask("release"), [])


def _nothing_is_left(rehearsal: Rehearsal, stack: str, kind: str) -> None:
    """Each resource's last event is of its deletion, or of a creation that made nothing."""
    client = rehearsal.aws("cloudformation")
    last: dict[str, dict[str, Any]] = {}
    for event in paged(client, "describe_stack_events", "StackEvents", StackName=stack):
        last.setdefault(event["LogicalResourceId"], event)
    del last[stack]
    left = [
        f"{name} is {event['ResourceStatus']}"
        for name, event in last.items()
        if event["ResourceStatus"] != "DELETE_COMPLETE" and event.get("PhysicalResourceId")
    ]
    expect(f"what the creation of {stack} left when a {kind} failed", left, [])


QUESTION = "Do you wish to deploy these changes"
STACKS = commands.module("tools.stacks", "production")
_CAUSE = "Could not find a value associated with JSONKey in SecretString"


def wrong_surroundings(rehearsal: Rehearsal) -> str:
    """A secret as PagerDuty's page suggests one: with the key of its other interface."""
    found = steps.surroundings(rehearsal)
    _put(rehearsal, {"routing_key": "rehearsal"})
    rehearsal.cdk.synth(rehearsal.checkout.name)
    return found


def killed_at_the_question(rehearsal: Rehearsal) -> str:
    """The data stack is in review for good, protected and empty; nothing can be prepared."""
    command = _deploy(rehearsal, reviewed=False)
    with commands.at_a_terminal(rehearsal, command) as terminal:
        terminal.expect_exact(QUESTION)
    expect(DATA, _state(rehearsal, DATA), ("REVIEW_IN_PROGRESS", True))
    says = "Run make deploy ENV=production, which creates it"
    commands.printed(rehearsal, commands.prepare(rehearsal), says, fails=True)
    return f"{DATA} is REVIEW_IN_PROGRESS"


def creation_fails(rehearsal: Rehearsal) -> str:
    """Data, which was in review, and operations are deployed; monitoring is rolled back."""
    in_review = _described(rehearsal, DATA)["StackId"]
    words = (_CAUSE, f"{MONITORING} is ROLLBACK_COMPLETE", "asks for the stack's name")
    commands.printed(rehearsal, _deploy(rehearsal), *words, fails=True)
    expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
    expect(DATA, _state(rehearsal, DATA), ("CREATE_COMPLETE", True))
    expect("the id of the stack", _described(rehearsal, DATA)["StackId"], in_review)
    return _CAUSE


def leaves_nothing(rehearsal: Rehearsal) -> str:
    """No resource of the stack is there any more, a key and a bucket neither."""
    said = commands.printed(rehearsal, STACKS, _CAUSE, fails=True)  # for a stack waits
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


def refused(rehearsal: Rehearsal) -> str:
    """Without a terminal, with another stack's name, and with another name typed."""
    for recreate, says in (
        ("", f"make deploy ENV=production RECREATE={MONITORING}"),
        (DATA, f"RECREATE names {DATA}, which is CREATE_COMPLETE"),
    ):
        commands.printed(rehearsal, _deploy(rehearsal, recreate=recreate), says, fails=True)
    status, said = _typed(rehearsal, DATA)
    expect_that(status == 1 and "nothing was changed" in said, f"it says {said}")
    expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
    return "and the stack is protected as before"


def fails_again(rehearsal: Rehearsal) -> str:
    """The cause is still there: the new stack ends as the first one did."""
    before = _described(rehearsal)["StackId"]
    commands.printed(rehearsal, _deploy(rehearsal, recreate=MONITORING), fails=True)
    expect(MONITORING, _state(rehearsal), ("ROLLBACK_COMPLETE", True))
    expect_that(_described(rehearsal)["StackId"] != before, "the stack was not created again")
    return "it is another stack, in the same state"


def succeeds(rehearsal: Rehearsal) -> str:
    """At a terminal: the name is asked for, and everything is deployed and well."""
    _put(rehearsal, {"integration_url": PAGERDUTY_ADDRESS})
    status, said = _typed(rehearsal, MONITORING)
    expect_that(status == 0, f"make deploy failed:\n{said}")
    expect(MONITORING, _state(rehearsal), ("CREATE_COMPLETE", True))
    return functions.check_health(rehearsal)


FIRST_CREATION: tuple[Step, ...] = (
    ("cdk bootstrap", steps.bootstrap),
    ("the account, with a PagerDuty secret of the wrong shape", wrong_surroundings),
    ("creation: killed at CDK's question", killed_at_the_question),
    ("creation: make deploy fails and says why", creation_fails),
    ("creation: nothing of it is left", leaves_nothing),
    ("creation: refused without the stack's name", refused),
    ("creation: repeated, and failed again", fails_again),
    ("creation: the secret is repaired, the name is typed", succeeds),
)


def _deploy(rehearsal: Rehearsal, *, recreate: str = "", reviewed: bool = True) -> list[str]:
    """What make deploy runs, on what was synthesised: the app need not run at each attempt."""
    deploy = commands.deploy(rehearsal, recreate=recreate, reviewed=reviewed)
    return [*deploy, "--app", str(rehearsal.checkout.folder / "cdk.out")]


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


_DAYS = "snapshot_retention_days"
_LONGEST = 120  # seconds


def two_at_once(rehearsal: Rehearsal) -> str:
    """Both have prepared their change when the first is continued: it executes its own."""
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


def stuck(rehearsal: Rehearsal) -> str:
    """UPDATE_ROLLBACK_FAILED: the rest of the rollback fails once more, then it is skipped."""
    for operation in ("update", "revert", "revert"):
        rehearsal.ask("fail_once", kind=GROUP, operation=operation)
    _more_days(rehearsal)
    said = _refused(rehearsal, f"{DATA} is UPDATE_ROLLBACK_FAILED")
    expect_that("The rehearsal let this operation fail" in said, f"it gives no reason: {said}")
    _refused(rehearsal, f"{DATA} is UPDATE_ROLLBACK_FAILED", command="prepare")
    _type_printed(rehearsal, said, "continue-update-rollback", without="--resources-to-skip")
    settled(rehearsal, DATA, "UPDATE_ROLLBACK_FAILED")
    stacks = commands.printed(rehearsal, STACKS, fails=True)
    _type_printed(rehearsal, stacks, "--resources-to-skip")
    settled(rehearsal, DATA, "UPDATE_ROLLBACK_COMPLETE")
    return _deployed(rehearsal)


def killed_in_the_middle(rehearsal: Rehearsal) -> str:
    """CloudFormation goes on alone; until it has ended no other deployment begins."""
    rehearsal.ask("hold", kind=GROUP, operation="update")
    _more_days(rehearsal)
    with commands.at_a_terminal(rehearsal, _deploy(rehearsal)):
        settled(rehearsal, DATA, "UPDATE_IN_PROGRESS")
    for command in ("deploy", "prepare"):
        _refused(rehearsal, f"{DATA} is UPDATE_IN_PROGRESS", command=command)
    rehearsal.ask("release")
    settled(rehearsal, DATA, "UPDATE_COMPLETE")
    return _deployed(rehearsal)


def paused(rehearsal: Rehearsal) -> str:
    """UPDATE_FAILED: as somebody leaves it who deploys by hand with --no-rollback."""
    rehearsal.ask("fail_once", kind=GROUP, operation="update")
    _more_days(rehearsal)
    by_hand = ("deploy", DATA, "--no-rollback", "--require-approval", "never")
    commands.printed(rehearsal, [*commands.cdk(rehearsal), *by_hand], fails=True)
    said = _refused(rehearsal, f"{DATA} is UPDATE_FAILED")
    _type_printed(rehearsal, said, "rollback-stack")
    settled(rehearsal, DATA, "UPDATE_ROLLBACK_COMPLETE")
    return _deployed(rehearsal)


def half_deleted(rehearsal: Rehearsal) -> str:
    """DELETE_FAILED: the deletion goes on, and the stack is created again."""
    client = rehearsal.aws("cloudformation")
    client.update_termination_protection(StackName=MONITORING, EnableTerminationProtection=False)
    rehearsal.ask("fail_once", kind="AWS::SNS::Topic", operation="delete")
    client.delete_stack(StackName=MONITORING)
    settled(rehearsal, MONITORING, "DELETE_FAILED")
    said = _refused(rehearsal, f"{MONITORING} is DELETE_FAILED")
    _type_printed(rehearsal, said, "stack", without="--retain-resources")
    return _deployed(rehearsal)


# Each ends as it began: production is deployed.
WAYS_ON: tuple[Step, ...] = (
    ("states: two deployments at once", two_at_once),
    ("states: an update and its rollback fail", stuck),
    ("states: a deployment is killed in the middle", killed_in_the_middle),
    ("states: an update is paused", paused),
    ("states: a deletion fails", half_deleted),
    ("states: and it is well", functions.check_health),
)


def _more_days(rehearsal: Rehearsal) -> int:
    """One more day of backups: a change of the data and the operations stack."""
    days: int = rehearsal.checkout.settings["redis"][_DAYS] + 1
    rehearsal.checkout.set(f"redis.{_DAYS}", days)
    rehearsal.cdk.synth(rehearsal.checkout.name)
    return days


def _refused(rehearsal: Rehearsal, says: str, *, command: str = "deploy") -> str:
    """What the command says that goes no further; RehearsalError if it does."""
    asked = commands.prepare if command == "prepare" else _deploy
    return commands.printed(rehearsal, asked(rehearsal), says, fails=True)


def _deployed(rehearsal: Rehearsal) -> str:
    """The deployment goes through, and what was asked for is there."""
    commands.printed(rehearsal, _deploy(rehearsal))
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
        done = run_command(
            ["bash", "-euc", line], environment=environment | {"PATH": path}, seconds=_LONGEST
        )
        expect_that(done.returncode == 0, f"{line} failed: {done.stderr}")


if __name__ == "__main__":
    sys.exit(perform((*FIRST_CREATION, *WAYS_ON, *every_type())))
