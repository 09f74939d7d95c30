"""Two sides of an environment compared: what is harmless, what asks, what is impossible."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tools.assembly import Stack
from tools.impact.acknowledged import Acknowledgement, Answered, What, answer
from tools.impact.facts import create_only_values, own_name, replaces
from tools.impact.harmless import ALARM, FUNCTION, Change, harmless
from tools.impact.packages import code_is_told, contents
from tools.impact.reach import reached
from tools.impact.templates import Address, ImpactError, Leaf, Side, differences, references
from tools.impact.words import ALARMS, OPERATION, SUBJECTS, named, subject

STACK = "stack"  # what an acknowledgement calls a stack as a whole
# Of an artifact: where the template lies, which holds a digest of all of it.
_NOT_DEPLOYED = {"templateFile", "stackTemplateAssetObjectUrl"}
# What a stack has whose artifact does not say otherwise.
_OPTIONS: Mapping[str, Any] = {"tags": {}, "terminationProtection": False}
# What decides how many nodes of which size there are: a scale-up asks once, with all that follows.
_SIZE = re.compile(
    r"Properties\.(CacheNodeType|NumCacheClusters|NumNodeGroups|ReplicasPerNodeGroup)$"
)
_FOLLOWS = re.compile(r"Properties\.(Threshold|Metrics.*|AlarmDescription|DashboardBody)$")
_FIGURES = re.compile(r"Properties\.Environment\.Variables\.\w+$")  # where its value is JSON


@dataclass(frozen=True)
class Question:
    """What a change does to one resource, or to a stack, that no rule knows to be harmless.

    ``leaves`` are what differs, ``effects`` what that means; ``impossible`` says why CloudFormation
    cannot do it in place. ``evidence`` is what the acknowledgement is bound to beyond the leaves,
    and ``follows`` what is asked with it, since one cause has changed it all.
    """

    what: What
    address: Address
    name: str
    subject: str
    leaves: tuple[Leaf, ...]
    effects: tuple[str, ...] = ()
    impossible: str = ""
    evidence: Any = None
    follows: tuple["Question", ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What an acknowledgement names: stack, resource, what."""
        return (*self.address, self.what.value)

    @property
    def difference(self) -> str:
        """Twelve digits that change whenever anything about the question changes."""
        leaves = [(one.path, one.before, one.after) for one in self.leaves]
        follows = [one.difference for one in self.follows]
        text = json.dumps([self.key, leaves, follows, self.evidence], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Impact:
    """All that the report says. ``harmless`` has the reason beside each path."""

    environment: str
    base: Side
    head: Side
    questions: Sequence[Question]
    harmless: Sequence[tuple[Address, Leaf, str]]
    answered: Answered = field(repr=False)

    @property
    def open(self) -> list[Question]:
        """What is neither harmless nor acknowledged."""
        covered = self.answered.covered
        return [one for one in self.questions if one.impossible or one.key not in covered]

    @property
    def passes(self) -> bool:
        """Whether nothing stops the change."""
        return not self.open and not self.answered.problems


def judge(
    environment: str,
    base: tuple[str, Mapping[str, Stack]],
    head: tuple[str, Mapping[str, Stack]],
    acknowledgements: Sequence[Acknowledgement] = (),
    spent: Sequence[Acknowledgement] | None = (),
) -> Impact:
    """Compare the stacks of ``base`` with those of ``head``; a side is a label and its stacks.

    ``spent`` are the acknowledgements of the base, None where they are not known.
    """
    before, after = Side(*base), Side(*head)
    if not before.stacks and not after.stacks:
        raise ImpactError(f"impact: neither side has stacks of {environment}.")
    quiet: list[tuple[Address, Leaf, str]] = []
    questions = _scaled(list(_asked(before, after, quiet)), before, after)
    questions.sort(
        key=lambda one: (
            not one.impossible,
            SUBJECTS.index(one.subject),
            list(What).index(one.what),
            one.key,
        )
    )
    asked = {one.key: one.difference for one in questions if not one.impossible}
    answered = answer(environment, asked, acknowledgements, spent)
    return Impact(environment, before, after, questions, quiet, answered)


def _asked(base: Side, head: Side, quiet: list[tuple[Address, Leaf, str]]) -> Iterator[Question]:
    """Every question; what is harmless goes to ``quiet``."""
    replaced = _replaced(base, head)
    for stack in sorted(base.stacks.keys() | head.stacks.keys()):
        address = Address(stack, STACK)
        if stack not in base.stacks or stack not in head.stacks:
            yield _whole_stack(address, base, head)
            continue
        leaves = list(_of_stack(base.stacks[stack], head.stacks[stack]))
        if asking := _asking(address, "", leaves, base, head, quiet):
            yield Question(
                What.CHANGE,
                address,
                f"the stack {stack}",
                _subject_of_stack(asking, base.stacks[stack]),
                tuple(asking),
                tuple(_conditional(base.stacks[stack], head.stacks[stack])),
                _export_in_use(address, asking, base),
            )
    for address in sorted(base.resources.keys() | head.resources.keys()):
        if address.stack in base.stacks and address.stack in head.stacks:
            yield from _of_resource(address, base, head, replaced, quiet)


def _of_resource(
    address: Address,
    base: Side,
    head: Side,
    replaced: Mapping[Address, str],
    quiet: list[tuple[Address, Leaf, str]],
) -> Iterator[Question]:
    before, after = base.resources.get(address), head.resources.get(address)
    body = after or before or {}
    kind = str(body.get("Type"))
    another_type = bool(before and after and before.get("Type") != after.get("Type"))
    whole = before is None or after is None or another_type
    leaves = [Leaf("", before, after)] if whole else list(differences(before, after))
    # No rule is asked about what another type would make of the resource, or what replaces it.
    certain = [one for one in leaves if another_type or replaces(kind, one) is not False]
    rest = [one for one in leaves if one not in certain]
    asking = [*certain, *_asking(address, kind, rest, base, head, quiet)]
    if not asking and address not in replaced:
        return
    what = What.REPLACE if another_type or address in replaced else What.CHANGE
    if before is None or after is None:
        what = What.ADD if before is None else What.REMOVE
    was, becomes = (
        side.properties(address) if address in side.resources else None for side in (base, head)
    )
    effects = [
        *_fate(what, body, before or {}, certain, replaced.get(address, "")),
        *reached(was, becomes, base, address),
        *_code(address, kind, asking, base, head),
    ]
    paths = " ".join(one.path for one in asking)
    yield Question(
        what,
        address,
        named(address, body),
        subject(kind, paths),
        tuple(asking),
        tuple(dict.fromkeys(effects)),
        _impossible(address, what, base, head),
        [
            replaced.get(address),
            contents(head, address) if _is_code(kind, asking) and after else {},
        ],
    )


def _asking(
    address: Address,
    kind: str,
    leaves: Sequence[Leaf],
    base: Side,
    head: Side,
    quiet: list[tuple[Address, Leaf, str]],
) -> list[Leaf]:
    asking = []
    for leaf in leaves:
        if reason := harmless(Change(address, kind, leaf, base, head)):
            quiet.append((address, leaf, reason))
        else:
            asking.append(leaf)
    return asking


def _of_stack(before: Stack, after: Stack) -> Iterator[Leaf]:
    """What differs of a stack beside its resources: sections of the template, and its options."""

    def described(stack: Stack) -> dict[str, Any]:
        options = {**_OPTIONS, **stack.artifact.get("properties", {})}
        options = {name: value for name, value in options.items() if name not in _NOT_DEPLOYED}
        for name in ("environment", "dependencies"):
            options[name] = stack.artifact.get(name)
        if "type" not in before.artifact:  # AWS tells only some of a deployed stack
            told = ("environment", *before.artifact.get("properties", {}))
            options = {name: options.get(name) for name in told}
        sections = {name: value for name, value in stack.body.items() if name != "Resources"}
        return {**sections, "options": options}

    yield from differences(described(before), described(after))


def _whole_stack(address: Address, base: Side, head: Side) -> Question:
    side, new = (head, True) if address.stack in head.stacks else (base, False)
    stack = side.stacks[address.stack]
    values = [stack.body, stack.artifact.get("environment"), stack.artifact.get("properties")]
    leaf = Leaf("", None if new else values, values if new else None)
    holders = (place for place in side.resources if place.stack == address.stack)
    effects = [f"{len(stack.resources)} resources"]
    if new:
        effects += [
            line for place in holders for line in reached(None, side.properties(place), base, place)
        ]
    else:
        effects.append("CDK leaves it in AWS, where nothing updates it and nobody looks after it")
    what = What.ADD if new else What.REMOVE
    name = f"the stack {address.stack}"
    return Question(what, address, name, OPERATION, (leaf,), tuple(dict.fromkeys(effects)))


def _subject_of_stack(leaves: Sequence[Leaf], stack: Stack) -> str:
    conditions = any(one.path.startswith("Conditions") for one in leaves)
    kinds = {body["Type"] for body in stack.resources.values() if "Condition" in body}
    return ALARMS if conditions and any("Alarm" in kind for kind in kinds) else OPERATION


def _conditional(before: Stack, after: Stack) -> Iterator[str]:
    """Which resources a condition that changed decides about."""
    was, becomes = (one.body.get("Conditions", {}) for one in (before, after))
    for name in sorted(was.keys() | becomes.keys()):
        if was.get(name) != becomes.get(name):
            those = [
                named(Address(after.name, key), body)
                for key, body in after.resources.items()
                if body.get("Condition") == name or f'["{name}",' in json.dumps(body)
            ]
            yield f"the condition {name} decides about: {', '.join(those) or 'nothing'}"


# --- Replacement: what CloudFormation's schemas and cdk diff say, and what follows ---------------


def _replaced(base: Side, head: Side) -> dict[Address, str]:
    """Every resource that the update certainly replaces, with why; through references too."""
    both = [
        address
        for address, body in base.resources.items()
        if head.resources.get(address, {}).get("Type") == body["Type"]
    ]
    found = {
        address: "CloudFormation replaces it"
        for address in both
        for leaf in differences(base.resources[address], head.resources[address])
        if replaces(base.resources[address]["Type"], leaf)
    }
    ahead = set(found)
    while ahead:
        reached_now = {}
        for address in both:
            if address not in found:
                kind = head.resources[address]["Type"]
                for name, value in create_only_values(kind, head.properties(address)):
                    for one in sorted(references(value) & ahead):
                        reached_now[address] = f"its {name} refers to {one.name}, which is replaced"
        found |= reached_now
        ahead = set(reached_now)
    return found


def _fate(
    what: What, body: Mapping[str, Any], before: Mapping[str, Any], perhaps: list[Leaf], why: str
) -> Iterator[str]:
    if what is What.REMOVE:
        policy = str(before.get("DeletionPolicy", "Delete"))
        yield f"it is removed (DeletionPolicy {policy})"
    elif what is What.REPLACE:
        policy = str(body.get("UpdateReplacePolicy", "Delete"))
        yield f"{why or 'it is another type'}: a new one is made (UpdateReplacePolicy {policy})"
    elif perhaps:
        names = ", ".join(one.path.removeprefix("Properties.") for one in perhaps)
        yield f"AWS decides at deployment whether {names} replaces it: read the change set"


def _impossible(address: Address, what: What, base: Side, head: Side) -> str:
    """Why CloudFormation would refuse the update, as far as the templates tell."""
    if what is What.CHANGE:
        return ""
    if what is What.ADD:
        return _name_taken(address, base, head)
    if what is What.REPLACE and base.resources[address]["Type"] != head.resources[address]["Type"]:
        return "CloudFormation changes no resource's type: the update fails"
    for name, (stack, value) in base.exports.items():
        users = base.imported.get(name, [])
        if users and address in references(base.plain(stack, value)):
            return f"{', '.join(sorted(set(users)))} imports its export {name}: the update fails"
    return _name_taken(address, base, head) if what is What.REPLACE else ""


def _name_taken(address: Address, base: Side, head: Side) -> str:
    """A new resource is made before the old one is removed, so both cannot have one name."""
    kind = head.resources[address]["Type"]
    own = own_name(kind) or ""
    name = head.properties(address).get(own)
    for place, body in base.resources.items():
        same = place.stack == address.stack and body["Type"] == kind
        if name is not None and same and base.properties(place).get(own) == name:
            return f"AWS has one whose {own} is {name}, and takes no second one: the update fails"
    return ""


def _export_in_use(address: Address, leaves: Sequence[Leaf], base: Side) -> str:
    for leaf in leaves:
        if match := re.match(r"Outputs\.(\w+)(\.Value|\.Export|$)", leaf.path):
            output = base.stacks[address.stack].body.get("Outputs", {}).get(match[1], {})
            name = base.plain(address.stack, output.get("Export", {}).get("Name"))
            users = base.imported.get(name, []) if isinstance(name, str) else []
            if users:
                return f"{', '.join(sorted(set(users)))} imports {name}: the update fails"
    return ""


# --- Code, and what follows from a scale-up -------------------------------------------------------


def _is_code(kind: str, leaves: Sequence[Leaf]) -> bool:
    return kind == FUNCTION and any(re.match(r"(Properties\.Code|$)", one.path) for one in leaves)


def _code(
    address: Address, kind: str, leaves: Sequence[Leaf], base: Side, head: Side
) -> Iterator[str]:
    """Which files of a function's package change."""
    if not _is_code(kind, leaves) or address not in head.resources:
        return
    if why := code_is_told(head, address):
        yield f"nobody can tell what it would run: {why}"
        return
    before = contents(base, address) if address in base.resources else {}
    after = contents(head, address)
    changed = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    files = ", ".join(changed[:12]) + (f" and {len(changed) - 12} more" if changed[12:] else "")
    yield f"changed files: {files}" if before else "the files of the base are not known"


def _scaled(questions: list[Question], base: Side, head: Side) -> list[Question]:
    """The questions; what follows from a change of the nodes' size or number is asked with it."""
    sizes = [
        one
        for one in questions
        if one.what is What.CHANGE and any(_SIZE.match(leaf.path) for leaf in one.leaves)
    ]
    if len(sizes) != 1:
        return questions
    (size,) = sizes
    follow = [one for one in questions if one is not size and _follows(one, base, head)]
    whole = replace(size, follows=tuple(follow))
    return [whole if one is size else one for one in questions if one not in follow]


def _follows(question: Question, base: Side, head: Side) -> bool:
    """Whether a question is of figures that are worked out from the nodes.

    The alarm on CPU credits comes and goes with the types of node that have credits.
    """
    if question.what is What.REMOVE:
        body = base.resources[question.address]
        return body["Type"] == ALARM and "CPUCreditBalance" in json.dumps(body)
    return question.what is What.CHANGE and all(
        _FOLLOWS.match(leaf.path)
        or (
            _FIGURES.match(leaf.path)
            and all(
                str(side.plain(question.address.stack, value)).startswith(("{", "["))
                for side, value in ((base, leaf.before), (head, leaf.after))
            )
        )
        for leaf in question.leaves
    )
