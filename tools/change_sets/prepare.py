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
from tools.assembly import Document, Stack, read
from tools.change_sets import changes
from tools.change_sets.record import Prepared, Record, changed_at, save
from tools.command import Answer, command, session
from tools.context import own_assembly
from tools.deploy_guard import check_engine_alone
from tools.stacks import explained, find, state_of

PREFIX = "prepared-"
_LONGEST = 1800  # seconds for one stack: CloudFormation checks every resource of it
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# What CloudFormation says of an import whose export is in a change set that is not executed yet.
_NEEDS_EXPORT = "No export named"

Cdk = Callable[[Sequence[str]], tuple[int, str]]
Found = dict[str, list[changes.Change]]  # by the stack's name


def _prepare(name: str, *command_line: str) -> int:
    settings = load(name)
    client = session(settings).client("cloudformation")
    check_engine_alone(settings, client)
    with own_assembly(command_line) as assembly:
        cdk = partial(run, [*command_line, "--app", str(assembly)])
        record, found = prepared(client, cdk, new_name(), name, in_order(read(assembly)))
    save(record)
    print("\n".join(document(record, found)))
    if file := os.environ.get("GITHUB_OUTPUT"):  # for the workflow's next step
        with Path(file).open("a") as output:
            output.write(f"changing={len(record.changing)}\n")
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


def prepared(
    client: Any, cdk: Cdk, name: str, environment: str, stacks: Sequence[Stack]
) -> tuple[Record, Found]:
    """Prepare each stack. Raises Answer, and what boto3 raises, and then leaves no change set.

    ``name`` is of this run alone; those that begin as it does take each other's place.
    """
    before = {stack.name: _settled(client, stack, environment) for stack in stacks}
    _withdraw(client, stacks, f"{name.partition('-')[0]}-")
    done: list[Prepared] = []
    found: Found = {}
    later: tuple[str, ...] = ()
    try:
        for number, stack in enumerate(stacks):
            status, output = cdk(
                [
                    *("deploy", stack.name, "--exclusively", "--require-approval", "never"),
                    *("--method", "prepare-change-set", "--change-set-name", name),
                ]
            )
            try:
                made = client.describe_change_set(StackName=stack.name, ChangeSetName=name)
            except client.exceptions.ChangeSetNotFoundException:
                made = {}
            if status:
                # What CloudFormation says of it, which the command line may put otherwise.
                why = output + str(made.get("StatusReason", ""))
                if _NEEDS_EXPORT in why and any(one.change_set for one in done):
                    later = tuple(rest.name for rest in stacks[number:])
                    break
                raise Answer(f"prepare: {stack.name} could not be prepared: {why.strip()}")
            arn = _executable(client, stack.name, made)
            found[stack.name] = changes.read(client, arn) if arn else []
            done.append(Prepared(stack.name, arn, before[stack.name]))
        lost = [line for one in found for line in changes.losses(one, found[one])]
        if lost:
            raise Answer(
                "\n".join(f"prepare: {line}" for line in lost)
                + "\nWhat it holds would be lost, so nothing is left prepared. "
                "docs/reference/migrations.md and docs/operate/delivery.md say how such a "
                "change is made."
            )
    except BaseException:
        _withdraw(client, stacks, name)
        raise
    return Record(environment, tuple(done), later), found


def _settled(client: Any, stack: Stack, environment: str) -> str:
    """When the stack last changed; the CDK would change its protection without a review."""
    there = find(client, stack.name)
    if there is None:
        raise Answer(
            f"prepare: {stack.name} is not deployed yet, and only what is there can be changed by "
            f"an approved change set. Run make deploy ENV={environment} once, by hand."
        )
    if not state_of(there).changeable:
        raise Answer(f"prepare: {explained(client, there, environment)}")
    wanted = stack.artifact["properties"].get("terminationProtection", False)
    # No sample of AWS's has the field: where it is absent, there is nothing to compare.
    if there.get("EnableTerminationProtection", wanted) != wanted:
        raise Answer(
            f"prepare: environment.termination_protection of {stack.name} would change, which is "
            f"in no change set. Run make deploy ENV={environment} by hand."
        )
    return changed_at(there)


def _executable(client: Any, stack: str, made: Document) -> str | None:
    """The ARN of a change set; None where nothing would change. Raises Answer for a failed one."""
    if not made:
        return None
    arn: str = made["ChangeSetId"]
    why = made.get("StatusReason", "")
    if any(words in why for words in _NO_CHANGES):
        client.delete_change_set(ChangeSetName=arn)
        return None
    if (made["Status"], made["ExecutionStatus"]) != ("CREATE_COMPLETE", "AVAILABLE"):
        raise Answer(f"prepare: the change set of {stack} is {made['Status']}: {why}")
    return arn


def _withdraw(client: Any, stacks: Sequence[Stack], name: str) -> None:
    """Delete the change sets whose names begin so: an approval of theirs then does nothing."""
    for stack in stacks:
        pages = client.get_paginator("list_change_sets").paginate(StackName=stack.name)
        for found in [summary for page in pages for summary in page["Summaries"]]:
            if found["ChangeSetName"].startswith(name):
                client.delete_change_set(ChangeSetName=found["ChangeSetId"])


def document(record: Record, found: Found) -> Iterator[str]:
    """The Markdown that is approved."""
    yield f"### Prepared for {record.environment}"
    for one in record.stacks:
        yield from changes.table(one.stack, found[one.stack])
    for name in record.later:
        yield f"\n#### {name}\n\nNeeds what the others export: start the delivery again after this."
    if not record.changing:
        yield "\nThere is nothing to execute."


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


main = command(
    "prepare",
    _prepare,
    takes=lambda given: len(given) >= 2,
    interrupted="nothing was executed. Run it again: it deletes what this run left prepared.",
)
