"""Two sides of an environment compared: what is harmless, what asks, what is impossible."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any

from tools.assembly import Document, Stack
from tools.command import Answer
from tools.impact.acknowledged import Acknowledgement, Key, What, answer
from tools.impact.harmless import ALARM, FUNCTION, Change, contents, harmless, unknown_code
from tools.impact.resources import OPERATION, SUBJECTS, create_only, named, own_name, subject
from tools.impact.templates import Address, Leaf, Side, leaves, references

_POLICIES = {What.REMOVE: "DeletionPolicy", What.REPLACE: "UpdateReplacePolicy"}
STACK = "stack"  # what an acknowledgement calls a stack as a whole
# What decides how many nodes of which size there are: a scale-up asks once, with all that follows.
_SIZE = re.compile(
    r"Properties\.(CacheNodeType|NumCacheClusters|NumNodeGroups|ReplicasPerNodeGroup)$"
)
# Its second half is a value within JSON, and the record of the last make scale.
_FOLLOWS = re.compile(
    r"Properties\.(Threshold$|Metrics|DashboardBody[.[])"
    r"|Properties\.Environment\.Variables\.\w+[.[]|Metadata(\.Scaled)?$"
)


@dataclass(frozen=True)
class Question:
    """What no rule knows to be harmless in one resource or stack, and its ``effects``.

    ``impossible`` is why it cannot be done in place; an acknowledgement is bound to ``evidence``.
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
    """The content of the report; ``problems`` are of acknowledgements that do not count."""

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
    """Compare two sides, each a label and its stacks. For ``spent`` see `answer`."""
    kinds, order = list(What), SUBJECTS.index
    try:
        before, after = Side(*base), Side(*head)
        comparison = _Comparison(before, after)
        questions = comparison.questions()
    except (AttributeError, KeyError, TypeError) as problem:
        raise Answer(
            f"impact: a template is malformed, and CloudFormation would refuse it: {problem!r}. "
            "Correct what synthesises it, and run make synth again."
        ) from None
    if not before.stacks and not after.stacks:
        raise Answer(f"impact: neither side has stacks of {environment}.")
    questions.sort(
        key=lambda one: (not one.impossible, order(one.subject), kinds.index(one.what), one.key)
    )
    asked = {one.key: one.difference for one in questions if not one.impossible}
    covered, problems = answer(environment, asked, acknowledgements, spent)
    return Impact(environment, before, after, questions, comparison.quiet, covered, problems)


class _Comparison:
    """``quiet`` gathers the harmless paths; ``replaced`` says why a resource certainly is."""

    def __init__(self, base: Side, head: Side) -> None:
        self.base, self.head = base, head
        self.quiet: list[tuple[Address, Leaf, str]] = []
        self.replaced = _replaced(base, head)

    def questions(self) -> list[Question]:
        """Every question; what follows from a scale-up is asked with it."""
        base, head = self.base, self.head
        both = base.stacks.keys() & head.stacks.keys()
        resources = sorted(base.resources.keys() | head.resources.keys())
        found = [self._stack(Address(name, STACK)) for name in sorted({*base.stacks, *head.stacks})]
        found += [self._resource(address) for address in resources if address.stack in both]
        asked = [one for one in found if one]
        sizes = [one for one in asked if any(_SIZE.match(leaf.path) for leaf in one.leaves)]
        if len(sizes) != 1 or sizes[0].what is not What.CHANGE:
            return asked
        following = [one for one in asked if self._follows(one)]
        more = [
            leaf._replace(path=f"{one.name} {leaf.path}".strip())
            for one in following
            for leaf in one.leaves
        ]
        whole = replace(sizes[0], leaves=[*sizes[0].leaves, *more])
        return [whole, *(one for one in asked if one not in (*sizes, *following))]

    def _follows(self, question: Question) -> bool:
        """Whether a question is of figures that are worked out from the nodes."""
        if question.what is What.REMOVE:  # as of CPU credits, which not all types of node have
            body = self.base.resources.get(question.address, {})
            return body.get("Type") == ALARM and "CPUCreditBalance" in json.dumps(body)
        paths = [leaf.path for leaf in question.leaves]
        return question.what is What.CHANGE and all(map(_FOLLOWS.match, paths))

    def _resource(self, address: Address) -> Question | None:
        before, after = (side.resources.get(address) for side in (self.base, self.head))
        body: Document = after or before or {}
        kind, why = str(body.get("Type")), self.replaced.get(address, "")
        asking = self._asking(address, kind, before, after)
        if not asking and not why:
            return None
        what = What.REPLACE if why else What.CHANGE
        what = What.ADD if not before else What.REMOVE if not after else what
        evidence: list[Any] = [why]
        granted = sorted(_actions(after) - _actions(before))
        effects = [f"its policies name {', '.join(granted)}"] if granted else []
        if policy := _POLICIES.get(what):
            effects.append(f"{why or 'it is removed'} ({policy} {body.get(policy, 'Delete')})")
        paths = " ".join(leaf.path for leaf in asking)
        if kind == FUNCTION and after and re.search(r"Properties\.Code\b|^$", paths):
            effects.append(self._code(address))
            evidence += sorted(contents(self.head, address).items())
        about, impossible = subject(kind, paths), self._impossible(address, what)
        name = named(address, body)
        return Question(what, address, name, about, asking, effects, impossible, evidence)

    def _asking(self, address: Address, kind: str, before: Any, after: Any) -> list[Leaf]:
        asking = []
        for leaf in leaves(self.base, self.head, address.stack, before, after):
            if reason := harmless(Change(address, kind, leaf, self.base, self.head)):
                self.quiet.append((address, leaf, reason))
            else:
                asking.append(leaf)
        return asking

    def _stack(self, address: Address) -> Question | None:
        before, after = (side.stacks.get(address.stack) for side in (self.base, self.head))
        name, effects, impossible = f"the stack {address.stack}", [], ""
        if before and after:
            what, artifact = What.CHANGE, before.artifact
            described = _described(before, artifact), _described(after, artifact)
            asking = self._asking(address, "", *described)
            kept = [_exported(output) for output in after.body.get("Outputs", {}).values()]
            for export, (stack, output) in self.base.exports.items():
                gone = stack == address.stack and _exported(output) not in kept
                if gone and (users := self.base.importing(export)):
                    impossible = f"{users} imports the output {export}: the update fails"
        else:
            what = What.ADD if after else What.REMOVE
            bodies = [[one.body, one.artifact] if one else None for one in (before, after)]
            asking = [Leaf("", *bodies)]
            if before:
                effects = ["CDK leaves it in AWS, where nothing updates it"]
        asked = Question(what, address, name, OPERATION, asking, effects, impossible)
        return asked if asking else None

    def _impossible(self, address: Address, what: What) -> str:
        """Why CloudFormation would refuse the update, as far as the templates show."""
        base, head = self.base, self.head
        if self.replaced.get(address) == _RETYPED:
            return "CloudFormation changes no resource's type: the update fails"
        for export, (stack, output) in base.exports.items():
            uses = address in references(base.plain(stack, output.get("Value")))
            if what in (What.REPLACE, What.REMOVE) and uses and (users := base.importing(export)):
                return f"{users} imports its export: the update fails"
        if what in (What.REPLACE, What.ADD):
            # A new resource is made before the old one is removed, so both cannot have one name.
            kind = str(head.resources[address].get("Type"))
            own = own_name(kind)
            name = head.properties(address).get(own)
            there = [base.properties(one) for one in base.of(kind) if one.stack == address.stack]
            if name is not None and name in [one.get(own) for one in there]:
                return f"AWS has one whose {own} is {name}, and takes no second: the update fails"
        return ""

    def _code(self, address: Address) -> str:
        if why := unknown_code(self.head, address):
            return f"the code that it would run is not known: {why}"
        before, after = contents(self.base, address), contents(self.head, address)
        changed = sorted({name for name, _ in before.items() ^ after.items()})
        files = shorten(", ".join(changed), 400, placeholder=" …")
        return f"changed files: {files}" if before else "the files of the base are not known"


def _actions(value: Any) -> set[str]:
    """Each action that the statements in a value name."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = {action for item in inner for action in _actions(item)}
    if isinstance(value, dict) and "Effect" in value:
        for key, text in (("Action", "{}"), ("NotAction", "all but {}")):
            named = value.get(key, [])
            found |= {text.format(one) for one in (named if isinstance(named, list) else [named])}
    return found


_RETYPED = "it gets another type"


def _replaced(base: Side, head: Side) -> dict[Address, str]:
    """Why, of each resource that the update certainly replaces; followed through references."""
    found: dict[Address, str] = {}
    fixed: dict[Address, dict[str, list[Any]]] = {}
    for address in base.resources.keys() & head.resources.keys():
        kind = str(head.resources[address].get("Type"))
        fixed[address] = create_only(kind, head.properties(address))
        if base.resources[address].get("Type") != kind:
            found[address] = _RETYPED
        elif base.resources[address] != head.resources[address] and (
            create_only(kind, base.properties(address)) != fixed[address]
        ):
            found[address] = "CloudFormation replaces it"
    following = dict(found)
    while following:
        following = {
            address: f"its {name} refers to {one.name}, which is replaced"
            for address, values in fixed.items()
            if address not in found
            for name, value in values.items()
            for one in sorted(references(value) & following.keys())
        }
        found |= following
    return found


def _exported(output: Document) -> tuple[Any, Any]:
    return output.get("Export"), output.get("Value")


def _described(stack: Stack, base: Document) -> Document:
    """A stack's sections and options; AWS returns only some of a ``base`` that is deployed."""
    options = {"tags": {}, "terminationProtection": False} | stack.artifact.get("properties", {})
    options |= {name: stack.artifact.get(name) for name in ("environment", "dependencies")}
    # What is deployed is this object: its place, and whether it is the template that is judged.
    place, _, key = str(options.pop("stackTemplateAssetObjectUrl", "")).rpartition("/")
    file, asset = options.pop("templateFile", ""), stack.assets.get(key)
    options["template"] = {"place": place, "shown": bool(asset and asset.file.name == file)}
    options["publishing"] = stack.publishing
    if "type" not in base:
        known = ("environment", *base.get("properties", {}))
        options = {name: options.get(name) for name in known}
    return {**stack.body, "Resources": None, "options": options}
