"""Prepares the change sets of a deployment and shows them: ``make prepare`` ends with it.

usage: python -m tools.change_sets.prepare ENVIRONMENT CDK-COMMAND…

Standard output is Markdown for the one who approves; build/prepared/ENVIRONMENT.json is what
``make execute`` needs. Nothing is deployed.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from environments.load import load
from tools.assembly import Stack, read
from tools.change_sets import changes
from tools.change_sets.record import Prepared, Record, save
from tools.command import Answer, command, session
from tools.context import own_assembly
from tools.deploy_guard import check_engine_alone
from tools.stacks.states import explained, find, state_of

PREFIX = "prepared-"
_LONGEST = 1800  # seconds for one stack: CloudFormation checks every resource of it
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# What CloudFormation says of an import whose export is in a change set that is not executed yet.
_NEEDS_EXPORT = "No export named"

Cdk = Callable[[Sequence[str]], tuple[int, str]]


def _prepare(name: str, *command_line: str) -> int:
    settings = load(name)
    client = session(settings).client("cloudformation")
    check_engine_alone(settings, client)
    with own_assembly(command_line) as assembly:
        cdk = partial(run, [*command_line, "--app", str(assembly)])
        preparation = Preparation(client, cdk, new_name())
        record = preparation.of(name, in_order(read(assembly)))
    save(record)
    print("\n".join(document(record, preparation.found)))
    _tell_the_workflow(len(record.changing))
    return 0


def new_name(prefix: str = PREFIX) -> str:
    """A name for the change sets of one run."""
    return f"{prefix}{uuid.uuid4().hex[:12]}"


def in_order(stacks: dict[str, Stack]) -> list[Stack]:
    """The stacks, each after those that it depends on."""
    graph = {
        name: [other for other in stack.artifact.get("dependencies", []) if other in stacks]
        for name, stack in stacks.items()
    }
    return [stacks[name] for name in TopologicalSorter(graph).static_order()]


class Preparation:
    """One run: its change sets share a name, and none is left when the run is refused."""

    def __init__(self, client: Any, cdk: Cdk, name: str) -> None:
        """``name`` is of this run alone; those that begin as it does take each other's place."""
        self._client = client
        self._cdk = cdk
        self._name = name
        self.found: dict[str, list[changes.Change]] = {}

    def of(self, environment: str, stacks: Sequence[Stack]) -> Record:
        """Prepare each stack. Raises Answer, and what boto3 raises."""
        before = {stack.name: self._settled(stack, environment) for stack in stacks}
        self._withdraw(stacks, f"{self._name.partition('-')[0]}-")
        done: list[Prepared] = []
        later: tuple[str, ...] = ()
        try:
            for number, stack in enumerate(stacks):
                status, output = self._cdk(self._arguments(stack))
                if status:
                    why = output + self._reason(stack.name)
                    if _NEEDS_EXPORT in why and any(one.change_set for one in done):
                        later = tuple(rest.name for rest in stacks[number:])
                        break
                    raise Answer(f"prepare: {stack.name} could not be prepared: {why.strip()}")
                arn = self._change_set(stack.name)
                self.found[stack.name] = changes.read(self._client, arn) if arn else []
                done.append(Prepared(stack.name, arn, before[stack.name]))
            self._refuse_losses()
        except BaseException:
            self._withdraw(stacks, self._name)
            raise
        return Record(environment, tuple(done), later)

    def withdraw(self, record: Record) -> None:
        """Delete what was prepared."""
        for stack in record.changing:
            self._client.delete_change_set(ChangeSetName=stack.change_set)

    def _arguments(self, stack: Stack) -> list[str]:
        return [
            *("deploy", stack.name, "--exclusively"),
            *("--method", "prepare-change-set", "--change-set-name", self._name),
            *("--require-approval", "never"),
        ]

    def _settled(self, stack: Stack, environment: str) -> str:
        """When the stack last changed; the CDK would change its protection without a review."""
        there = find(self._client, stack.name)
        if there is None:
            raise Answer(
                f"prepare: {stack.name} is not deployed yet, and only what is there can be changed "
                f"by an approved change set. Run make deploy ENV={environment} once, by hand."
            )
        if not state_of(there).changeable:
            raise Answer(f"prepare: {explained(self._client, there, environment)}")
        wanted = stack.artifact["properties"].get("terminationProtection", False)
        # No sample of AWS's has the field: where it is absent, there is nothing to compare.
        if there.get("EnableTerminationProtection", wanted) != wanted:
            raise Answer(
                f"prepare: environment.termination_protection of {stack.name} would change, which "
                f"is in no change set. Run make deploy ENV={environment} by hand."
            )
        return _last_change(there)

    def _reason(self, stack: str) -> str:
        """What CloudFormation says of the change set, which the command line may put otherwise."""
        try:
            found = self._client.describe_change_set(StackName=stack, ChangeSetName=self._name)
        except self._client.exceptions.ChangeSetNotFoundException:
            return ""
        return str(found.get("StatusReason", ""))

    def _change_set(self, stack: str) -> str | None:
        try:
            found = self._client.describe_change_set(StackName=stack, ChangeSetName=self._name)
        except self._client.exceptions.ChangeSetNotFoundException:
            return None
        arn: str = found["ChangeSetId"]
        if any(words in found.get("StatusReason", "") for words in _NO_CHANGES):
            self._client.delete_change_set(ChangeSetName=arn)
            return None
        if (found["Status"], found["ExecutionStatus"]) != ("CREATE_COMPLETE", "AVAILABLE"):
            raise Answer(
                f"prepare: the change set of {stack} is {found['Status']}: "
                f"{found.get('StatusReason', '')}"
            )
        return arn

    def _refuse_losses(self) -> None:
        lost = [line for name, found in self.found.items() for line in changes.losses(name, found)]
        if lost:
            raise Answer(
                "\n".join(f"prepare: {line}" for line in lost)
                + "\nWhat it holds would be lost, so nothing is left prepared. "
                "docs/reference/migrations.md and docs/operate/delivery.md say how such a "
                "change is made."
            )

    def _withdraw(self, stacks: Sequence[Stack], name: str) -> None:
        """Delete the change sets whose names begin so: an approval of theirs then does nothing."""
        for stack in stacks:
            pages = self._client.get_paginator("list_change_sets").paginate(StackName=stack.name)
            for found in [summary for page in pages for summary in page["Summaries"]]:
                if found["ChangeSetName"].startswith(name):
                    self._client.delete_change_set(ChangeSetName=found["ChangeSetId"])


def document(record: Record, found: dict[str, list[changes.Change]]) -> Iterator[str]:
    """The Markdown that is approved."""
    yield f"### Prepared for {record.environment}"
    for prepared in record.stacks:
        yield from changes.table(prepared.stack, found[prepared.stack])
    for name in record.later:
        yield f"\n#### {name}\n\nNeeds what the others export: start the delivery again after this."
    if not record.changing:
        yield "\nThere is nothing to execute."


def _last_change(stack: dict[str, Any]) -> str:
    moment = stack.get("LastUpdatedTime", stack["CreationTime"])
    return str(moment.isoformat())


def run(cdk: Sequence[str], more: Sequence[str]) -> tuple[int, str]:
    """The CDK command line's exit status and what it printed. Raises Answer."""
    try:
        done = subprocess.run(
            [*cdk, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Answer(
            f"prepare: CloudFormation took longer than {_LONGEST // 60} minutes for one stack, so "
            "nothing is left prepared. Look at it in the console, and prepare again."
        ) from None
    if done.returncode == 0:
        sys.stderr.write(done.stdout)
    return done.returncode, done.stdout


def _tell_the_workflow(changing: int) -> None:
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a") as output:
            output.write(f"changing={changing}\n")


main = command(
    "prepare",
    _prepare,
    takes=lambda given: len(given) >= 2,
    interrupted="nothing is left prepared. Run it again.",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
