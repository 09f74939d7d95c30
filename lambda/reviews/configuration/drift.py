"""Our stacks as CloudFormation knows them, and their drift: each resource against its template.

CloudFormation reads every resource with the permissions of whoever asks (user guide, "Detect
unmanaged configuration changes", Considerations). What it could not read is a finding here.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.aws_calls import ask, every
from shared.errors import NotYetError
from shared.line import Line

SECTION = "review-drift"
AT_ONCE = 200  # logical ids that DetectStackDrift takes (API reference)
LONGEST_SECONDS = 420  # for all stacks of a review: its function must also end with the report
PAUSE_SECONDS = 3

# Its reader needs GetSecretValue: no review may read the token. checks/access.py looks at the rest.
NEVER_READ = frozenset({"AWS::SecretsManager::Secret", "AWS::CDK::Metadata"})
# Values of these are addresses or carry them, and PagerDuty's address is a key.
_HIDDEN_KINDS = frozenset({"AWS::SNS::Subscription", "AWS::SecretsManager::RotationSchedule"})
_HIDDEN = re.compile(r"token|password|secret|endpoint|credential|url", re.IGNORECASE)
# What a value is called that the template or the resource does not have.
_NOTHING = {"null": "nothing", "": "nothing"}
# Every parameter has a line of its own, those that no template sets too: see leftovers.py.
_ELSEWHERE = {"AWS::ElastiCache::ParameterGroup": "/Properties/"}
_HIDDEN_TEXT = "(not shown)"
_LONGEST = 300  # characters of a value


@dataclass(frozen=True)
class Resource:
    """One resource: its place in the template and what AWS calls it."""

    stack: str
    logical_id: str
    kind: str
    physical_id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Stacks:
    """All resources of an environment's stacks."""

    names: tuple[str, ...]
    resources: tuple[Resource, ...]

    def of(self, kind: str) -> list[Resource]:
        """Every resource of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def ids(self, kind: str) -> set[str]:
        """What AWS calls the resources of a type."""
        return {resource.physical_id for resource in self.of(kind)}


def read_stacks(cloudformation: Any, names: Iterable[str]) -> Stacks:
    """The stacks of these names. Raises what ``ask`` raises."""
    named = tuple(names)
    return Stacks(named, tuple(one for name in named for one in _resources(cloudformation, name)))


def _resources(client: Any, stack: str) -> Iterator[Resource]:
    asked = ask(client.get_template, StackName=stack)["TemplateBody"]["Resources"]
    listing = client.list_stack_resources, "StackResourceSummaries"
    for one in every(*listing, StackName=stack):
        name, physical_id = one["LogicalResourceId"], one.get("PhysicalResourceId", "")
        properties = asked.get(name, {}).get("Properties", {})
        yield Resource(stack, name, one["ResourceType"], physical_id, properties)


Pause = Callable[[float], None]
_OVER = object()


def patience(pause: Pause = time.sleep) -> Iterator[None]:
    """The pauses between questions that the stacks of one review share, at most LONGEST_SECONDS."""
    for _ in range(LONGEST_SECONDS // PAUSE_SECONDS):
        pause(PAUSE_SECONDS)
        yield


def check_drift(client: Any, stacks: Stacks, stack: str, pauses: Iterator[None]) -> Iterator[Line]:
    """A line for what is as the template says, and one for each property that is not.

    ``pauses`` are those of ``patience``. Raises what ``ask`` raises, and NotYetError when none is
    left.
    """
    resources = {
        resource.logical_id: resource
        for resource in stacks.resources
        if resource.stack == stack and resource.kind not in NEVER_READ
    }
    ids = sorted(resources)
    parts = [ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE)]
    reasons = [why for part in parts if (why := _detected(client, stack, part, pauses))]
    listing = client.describe_stack_resource_drifts, "StackResourceDrifts"
    drifts = every(*listing, StackName=stack)
    found = {drift["LogicalResourceId"]: drift for drift in drifts}
    if ids and not found:
        reasons.append("CloudFormation lists no resource")
    # A type that CloudFormation cannot check is not among its answers.
    states = {
        name: str(found[name]["StackResourceDriftStatus"]) if name in found else "NOT_CHECKED"
        for name in ids
    }
    yield from _summary(stack, resources, states, "; ".join(reasons))
    for name in ids:
        if states[name] in ("MODIFIED", "DELETED"):
            yield from _differences(resources[name], found[name])


def _detected(client: Any, stack: str, ids: list[str], pauses: Iterator[None]) -> str:
    """Wait until it is done; why some could not be read, or ""."""
    given = {"StackName": stack, "LogicalResourceIds": ids}
    detection = ask(client.detect_stack_drift, **given)["StackDriftDetectionId"]
    describe = client.describe_stack_drift_detection_status
    while True:
        status = ask(describe, StackDriftDetectionId=detection)
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            failed = status["DetectionStatus"] == "DETECTION_FAILED"
            return str(status.get("DetectionStatusReason", "no reason given")) if failed else ""
        if next(pauses, _OVER) is _OVER:
            raise NotYetError(
                f"the drift of {stack} was not detected: all stacks have {LONGEST_SECONDS} seconds"
            )


def _summary(
    stack: str, resources: Mapping[str, Resource], states: Mapping[str, str], reason: str
) -> Iterator[Line]:
    counts = Counter(states.values())
    blind = {resources[name].kind for name, state in states.items() if state == "NOT_CHECKED"}
    said = f"{counts['IN_SYNC']} resources as the template asks"
    if blind:
        shown = ", ".join(sorted(kind.removeprefix("AWS::") for kind in blind))
        said += f"; CloudFormation cannot check {counts['NOT_CHECKED']}: {shown}"
    drifted = counts["MODIFIED"] + counts["DELETED"]
    # What drifted has lines of its own.
    yield Line(f"drift of {stack}", True, f"{drifted} drifted; {said}", "no drift", SECTION)
    unread = [name for name, state in states.items() if state in ("UNKNOWN", "UNSUPPORTED")]
    if unread or reason:
        why = f"{', '.join(unread) or 'some resources'}: {reason or 'no reason given'}"[:_LONGEST]
        name, wanted = f"drift of {stack}: not read", "every resource can be read"
        yield Line(name, False, why, wanted, SECTION)


def _differences(resource: Resource, drift: Mapping[str, Any]) -> Iterator[Line]:
    name = re.split(r"[/:]", resource.physical_id)[-1]
    what = f"{resource.kind.removeprefix('AWS::')} {name}"
    if drift["StackResourceDriftStatus"] == "DELETED":
        yield Line(what, False, "was deleted", f"{resource.stack} has it", SECTION)
        return
    differences = drift.get("PropertyDifferences", [])
    if not differences:
        yield Line(what, False, "differs, CloudFormation does not say how", "no drift", SECTION)
    for difference in differences:
        path = difference["PropertyPath"]
        if path.startswith(_ELSEWHERE.get(resource.kind, "//")):
            continue
        hidden = resource.kind in _HIDDEN_KINDS or _HIDDEN.search(path)
        found, wanted = (
            _HIDDEN_TEXT if hidden else _value(difference[f"{of}Value"])
            for of in ("Actual", "Expected")
        )
        yield Line(f"{what}, {path.lstrip('/')}", False, found, wanted, SECTION)


def _value(text: str) -> str:
    return _NOTHING.get(text, text[:_LONGEST])
