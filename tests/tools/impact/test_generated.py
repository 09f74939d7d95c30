"""Some hundred changes by a seeded generator, labelled by judges that do not know the rules."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest

from aws_rules.iam import CannotBeJudged
from tests.support import Document, Stacks
from tests.tools.impact.oracle import Facts, harm
from tests.tools.impact.world import World
from tools.impact.verdict import judge

# What the judges, who read templates that were synthesised, make of a template that is malformed.
UNREADABLE = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
SEED, PER_TYPE, OF_ALL = 20261130, 4, 80
Edit = Callable[[Random, World, str, str], None]


def any_property(chance: Random, world: World, stack: str, name: str) -> None:
    """Another value, less, more or none, at a random place in the properties."""
    place = world.stacks[stack].resources[name].setdefault("Properties", {})
    spots = list(_spots(place))
    if spots:
        holder, key = chance.choice(spots)
        value = _another(chance, holder[key])
        if value is None:
            del holder[key]
        else:
            holder[key] = value


def removed(_chance: Random, world: World, stack: str, name: str) -> None:
    del world.stacks[stack].resources[name]


def copied(chance: Random, world: World, stack: str, name: str) -> None:
    resources = world.stacks[stack].resources
    resources[f"{name[:-8]}Copy"] = json.loads(json.dumps(resources[name]))
    any_property(chance, world, stack, f"{name[:-8]}Copy")


def attribute(chance: Random, world: World, stack: str, name: str) -> None:
    body = world.stacks[stack].body
    body.setdefault("Conditions", {})["Never"] = {"Fn::Equals": ["a", "b"]}
    values = {"Condition": "Never", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    key = chance.choice([*values])
    body["Resources"][name][key] = values[key]


def statement(chance: Random, world: World, stack: str, name: str) -> None:
    """A statement more in a policy, if the resource has one."""
    service = chance.choice(["secretsmanager", "elasticache", "kms", "*", "cloudwatch", "lambda"])
    action = chance.choice([f"{service}:*", f"{service}:Get*", f"{service}:De*", f"{service}:Put*"])
    more: Document = {"Effect": chance.choice(["Allow", "Allow", "Deny"])}
    more[chance.choice(["Action", "Action", "NotAction"])] = action
    more["Resource"] = chance.choice(["*", f"arn:aws:{service}:*:*:*", "arn:aws:s3:::x"])
    for holder, key in _spots(world.stacks[stack].resources[name].get("Properties", {})):
        if key == "Statement" and isinstance(holder[key], list):
            if any("Principal" in one for one in holder[key]):
                who = ["*", {"AWS": "444455556666"}, {"Service": "x.amazonaws.com"}]
                more["Principal"] = chance.choice(who)
            holder[key].append(more)
            return
    any_property(chance, world, stack, name)


def text(chance: Random, world: World, stack: str, name: str) -> None:
    """Words or a tag: mostly harmless."""
    properties = world.stacks[stack].resources[name].setdefault("Properties", {})
    key = next((one for one in properties if one.endswith("Description")), None)
    if key and chance.random() < 0.7:
        properties[key] = "Other words"
    else:
        properties["Tags"] = [*properties.get("Tags", []), {"Key": "cost-centre", "Value": "42"}]


EDITS: tuple[Edit, ...] = (
    *(any_property,) * 6,
    *(statement,) * 2,
    removed,
    copied,
    attribute,
    text,
    text,
)


def mutations(stacks: Stacks) -> Iterator[tuple[str, World]]:
    """A few for each type of resource, and many of all; the same ones each time."""
    chance = Random(SEED)  # noqa: S311 - to be the same each time, not to be secret
    places: dict[str, list[tuple[str, str]]] = {}
    for stack in stacks.values():
        for name, body in stack.resources.items():
            places.setdefault(body["Type"], []).append((stack.name, name))
    chosen = [chance.choice(those) for those in places.values() for _ in range(PER_TYPE)]
    every = [one for those in places.values() for one in those]
    chosen += [chance.choice(every) for _ in range(OF_ALL)]
    for stack_name, name in chosen:
        edit, world = chance.choice(EDITS), World(stacks)
        edit(chance, world, stack_name, name)
        yield f"{edit.__name__} of {name}", world


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_nothing_that_a_judge_calls_harmful_is_harmless(
    production_stacks: Stacks,
    context: Document,
    record_property: Callable[[str, object], None],
    every: int,
) -> None:
    base = Facts(production_stacks, context)
    counts: Counter[str] = Counter()
    missed, asked = [], []
    ordinary: Counter[bool] = Counter()  # texts and tags: by whether they ask
    for name, world in islice(mutations(production_stacks), 0, None, every):
        impact = judge("production", ("base", production_stacks), ("head", world.stacks))
        try:
            reasons = list(harm(base, Facts(world.stacks, context)))
        except (CannotBeJudged, *UNREADABLE):
            counts["unknown"] += 1
            continue
        changed = bool(impact.questions or impact.harmless)
        label = "harmful" if reasons else "harmless" if changed else "no change"
        counts[label] += 1
        if reasons and impact.passes:
            missed.append((name, reasons[0]))
        if label == "harmless" and not impact.passes:
            asked.append(name)
        if label == "harmless" and name.startswith("text of "):
            ordinary[not impact.passes] += 1
    share = len(asked) / max(counts["harmless"], 1)
    record_property(
        "generated",
        f"{dict(counts)}; {share:.0%} of what no judge objects to asks; of texts and tags "
        f"{ordinary[True]} of {ordinary.total()}",
    )
    assert missed == []
    assert counts["harmful"] > 20 // every, counts
    assert counts["harmless"] > 100 // every, counts


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value: what holds it, and its key or index there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, dict | list):
            yield from _spots(item)


def _another(chance: Random, value: Any) -> Any:
    """Another value of the same type; None for none at all."""
    if chance.random() < 0.2:
        return None
    match value:
        case bool():
            return not value
        case int() | float():
            return chance.choice([value + 1, value * 2, max(value // 2, 1), 0])
        case str():
            return chance.choice([f"{value}-other", "*", "other", value[: len(value) // 2]])
        case list() if value:
            return chance.choice([value[:-1], [*value, value[0]], value[::-1]])
    return {"Ref": "AWS::Region"}
