"""Two sides of an environment compared: what is harmless, what asks, what is impossible."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.assembly import Document, Stack
from tools.impact.acknowledged import Acknowledgement, Key, What, answer
from tools.impact.harmless import (
    ALARM,
    FUNCTION,
    Change,
    allowed,
    contents,
    harmless,
    unknown_code,
)
from tools.impact.resources import (
    OPERATION,
    SUBJECTS,
    create_only_values,
    named,
    own_name,
    replaces,
    subject,
)
from tools.impact.templates import Address, ImpactError, Leaf, Side, differences, references

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
_FILES = 12  # of a package that are named


@dataclass(frozen=True)
class Question:
    """What a change does to one resource, or to a stack, that no rule knows to be harmless.

    ``leaves`` are what differs, ``effects`` what that means; ``impossible`` says why CloudFormation
    cannot do it in place. ``evidence`` is what an acknowledgement is bound to beyond the leaves.
    """

    what: What
    address: Address
    name: str
    subject: str
    leaves: Sequence[Leaf]
    effects: Sequence[str] = ()
    impossible: str = ""
    evidence: Any = None

    @property
    def key(self) -> Key:
        """What an acknowledgement names: stack, resource, what."""
        return (*self.address, self.what.value)

    @property
    def difference(self) -> str:
        """Twelve digits that change whenever anything about the question changes."""
        text = json.dumps([self.key, self.leaves, self.evidence], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Impact:
    """All that the report says. ``harmless`` has the reason beside each path.

    ``covered`` are the acknowledgements that count, ``problems`` what is wrong with the others.
    """

    environment: str
    base: Side
    head: Side
    questions: Sequence[Question]
    harmless: Sequence[tuple[Address, Leaf, str]]
    covered: Mapping[Key, Acknowledgement]
    problems: Sequence[str]

    @property
    def open(self) -> list[Question]:
        """What is neither harmless nor acknowledged."""
        return [one for one in self.questions if one.impossible or one.key not in self.covered]

    @property
    def passes(self) -> bool:
        """Whether nothing stops the change."""
        return not self.open and not self.problems


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
    comparison = _Comparison(before, after)
    kinds, order = list(What), SUBJECTS.index
    questions = sorted(
        comparison.questions(),
        key=lambda one: (not one.impossible, order(one.subject), kinds.index(one.what), one.key),
    )
    asked = {one.key: one.difference for one in questions if not one.impossible}
    covered, problems = answer(environment, asked, acknowledgements, spent)
    return Impact(environment, before, after, questions, comparison.quiet, covered, problems)


class _Comparison:
    """``quiet`` gathers what is harmless; ``replaced`` says why a resource certainly is."""

    def __init__(self, base: Side, head: Side) -> None:
        self.base, self.head = base, head
        self.quiet: list[tuple[Address, Leaf, str]] = []
        self.both = {
            address: str(body["Type"])
            for address, body in base.resources.items()
            if head.resources.get(address, {}).get("Type") == body["Type"]
        }
        self.replaced = self._replaced()
        # Of each export that a stack imports: where it is, what it refers to, and what fails.
        self.imported = [
            (Address(stack.name, key), references(base.plain(stack.name, output)), users)
            for stack in base.stacks.values()
            for key, output in stack.body.get("Outputs", {}).items()
            if (users := base.importing(stack.name, output))
        ]

    def questions(self) -> list[Question]:
        """Every question; what follows from a scale-up is asked with it."""
        base, head = self.base, self.head
        stacks = sorted(base.stacks.keys() | head.stacks.keys())
        resources = sorted(base.resources.keys() | head.resources.keys())
        both = base.stacks.keys() & head.stacks.keys()
        found = [self._stack(Address(name, STACK)) for name in stacks]
        found += [self._resource(address) for address in resources if address.stack in both]
        asked = [one for one in found if one]
        sizes = [
            one
            for one in asked
            if one.what is What.CHANGE and any(_SIZE.match(leaf.path) for leaf in one.leaves)
        ]
        if len(sizes) != 1:
            return asked
        rest = [one for one in asked if one not in sizes]
        following = [
            Leaf(
                f"{one.name} {path}".strip(),
                self.base.plain(one.address.stack, was),
                self.head.plain(one.address.stack, becomes),
            )
            for one in rest
            if self._follows(one)
            for path, was, becomes in one.leaves
        ]
        whole = replace(sizes[0], leaves=[*sizes[0].leaves, *following])
        return [whole, *(one for one in rest if not self._follows(one))]

    def _resource(self, address: Address) -> Question | None:
        before, after = (side.resources.get(address) for side in (self.base, self.head))
        body: Document = after or before or {}
        kind = str(body.get("Type"))
        if before and after and address not in self.both:  # of another type: no rule knows that
            what, asking = What.REPLACE, [Leaf("", before, after)]
        else:
            what = What.REPLACE if address in self.replaced else What.CHANGE
            what = What.ADD if not before else What.REMOVE if not after else what
            asking = self._asking(address, kind, differences(before, after))
        if not asking and address not in self.replaced:
            return None
        paths = " ".join(one.path for one in asking)
        code = kind == FUNCTION and after and re.search(r"Properties\.Code\b|^$", paths)
        return Question(
            what,
            address,
            named(address, body),
            subject(kind, paths),
            asking,
            [
                *self._fate(address, what),
                *self._access(address),
                *(self._code(address) if code else ()),
            ],
            self._impossible(address, what),
            [self.replaced.get(address), contents(self.head, address) if code else {}],
        )

    def _asking(self, address: Address, kind: str, leaves: Iterable[Leaf]) -> list[Leaf]:
        """What no rule knows; none is asked about what replaces a resource."""
        asking = []
        for leaf in leaves:
            change = Change(address, kind, leaf, self.base, self.head)
            if not replaces(kind, leaf) and (reason := harmless(change)):
                self.quiet.append((address, leaf, reason))
            else:
                asking.append(leaf)
        return asking

    def _stack(self, address: Address) -> Question | None:
        """What differs of a stack beside its resources: sections of the template, and options."""
        before, after = (side.stacks.get(address.stack) for side in (self.base, self.head))
        effects = []
        if before and after:
            what, told = What.CHANGE, before.artifact
            described = _described(before, told), _described(after, told)
            asking = self._asking(address, "", differences(*described))
            conditions = before.body.get("Conditions") != after.body.get("Conditions")
            decided = {one: body for one, body in after.resources.items() if "Condition" in body}
            if conditions and decided:
                names = (named(Address(after.name, one), body) for one, body in decided.items())
                effects = [f"its conditions decide about {', '.join(names)}"]
        else:
            what = What.ADD if after else What.REMOVE
            was, becomes = ([one.body, one.artifact] if one else None for one in (before, after))
            asking = [Leaf("", was, becomes)]
            if before:
                effects = ["CDK leaves it in AWS, where nothing updates or monitors it"]
        if not asking:
            return None
        impossible = self._export_in_use(address, asking) if before else ""
        name = f"the stack {address.stack}"
        return Question(what, address, name, OPERATION, asking, effects, impossible)

    # --- Replacement: what CloudFormation's schemas say, and what follows ------------------------

    def _replaced(self) -> dict[Address, str]:
        """Every resource that the update certainly replaces, with why; through references too."""
        base, head = self.base.resources, self.head.resources
        found = {
            address: "CloudFormation replaces it"
            for address, kind in self.both.items()
            if any(replaces(kind, leaf) for leaf in differences(base[address], head[address]))
        }
        ahead = set(found)
        while ahead:
            following = {
                address: f"its {name} refers to {one.name}, which is replaced"
                for address, kind in self.both.items()
                if address not in found
                for name, value in create_only_values(kind, self.head.properties(address))
                for one in sorted(references(value) & ahead)
            }
            found |= following
            ahead = set(following)
        return found

    def _fate(self, address: Address, what: What) -> Iterator[str]:
        before, after = (side.resources.get(address, {}) for side in (self.base, self.head))
        if what is What.REMOVE:
            yield f"it is removed (DeletionPolicy {before.get('DeletionPolicy', 'Delete')})"
        elif what is What.REPLACE:
            policy = after.get("UpdateReplacePolicy", "Delete")
            why = self.replaced.get(address, "it is another type")
            yield f"{why}: a new one is made (UpdateReplacePolicy {policy})"

    def _impossible(self, address: Address, what: What) -> str:
        """Why CloudFormation would refuse the update, as far as the templates tell."""
        base, head = self.base, self.head
        if what is What.REPLACE and address not in self.both:
            return "CloudFormation changes no resource's type: the update fails"
        for _, exported, users in self.imported:
            if what is not What.CHANGE and address in exported:
                return f"{users} imports its export: the update fails"
        if what in (What.REPLACE, What.ADD):
            # A new resource is made before the old one is removed, so both cannot have one name.
            kind = head.resources[address]["Type"]
            own = own_name(kind) or ""
            name = head.properties(address).get(own)
            there = [base.properties(one) for one in base.of(kind) if one.stack == address.stack]
            if name is not None and name in [one.get(own) for one in there]:
                return (
                    f"AWS has one whose {own} is {name}, and takes no second one: the update fails"
                )
        return ""

    def _export_in_use(self, address: Address, leaves: Sequence[Leaf]) -> str:
        for (stack, output), _, users in self.imported:
            path = rf"Outputs\.{output}(\.Value.*|\.Export.*|)"
            if stack == address.stack and any(re.fullmatch(path, one.path) for one in leaves):
                return f"{users} imports the output {output}: the update fails"
        return ""

    # --- For whoever reads: access, code, and what follows from a scale-up -----------------------

    def _access(self, address: Address) -> Iterator[str]:
        """What the policies of a resource come to be about; nothing is decided by it."""
        before, after = (
            side.properties(address) if address in side.resources else {}
            for side in (self.base, self.head)
        )
        if more := allowed(after) - allowed(before):
            yield f"its policies come to be about {', '.join(sorted(more))}"

    def _code(self, address: Address) -> Iterator[str]:
        """Which files of a function's package change."""
        if why := unknown_code(self.head, address):
            yield f"what it would run is unknown: {why}"
            return
        before, after = contents(self.base, address), contents(self.head, address)
        changed = sorted({name for name, _ in before.items() ^ after.items()})
        more = f" and {len(changed) - _FILES} more" if changed[_FILES:] else ""
        files = ", ".join(changed[:_FILES]) + more
        yield f"changed files: {files}" if before else "the files of the base are not known"

    def _follows(self, question: Question) -> bool:
        """Whether a question is of figures that are worked out from the nodes.

        The alarm on CPU credits comes and goes with the types of node that have credits.
        """
        if question.what is What.REMOVE:
            body = self.base.resources.get(question.address, {})
            return body.get("Type") == ALARM and "CPUCreditBalance" in json.dumps(body)
        stack = question.address.stack
        return question.what is What.CHANGE and all(
            _FOLLOWS.match(leaf.path)
            or (
                _FIGURES.match(leaf.path)
                and self.base.text(stack, leaf.before).startswith(("{", "["))
                and self.head.text(stack, leaf.after).startswith(("{", "["))
            )
            for leaf in question.leaves
        )


def _described(stack: Stack, base: Document) -> Document:
    """A stack's sections and options; AWS tells only some of a ``base`` that is deployed."""
    properties = {**_OPTIONS, **stack.artifact.get("properties", {})}
    options = {name: value for name, value in properties.items() if name not in _NOT_DEPLOYED}
    options |= {name: stack.artifact.get(name) for name in ("environment", "dependencies")}
    if "type" not in base:
        told = ("environment", *base.get("properties", {}))
        options = {name: options.get(name) for name in told}
    sections = {name: value for name, value in stack.body.items() if name != "Resources"}
    return {**sections, "options": options}
