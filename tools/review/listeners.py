"""Who hears an alarm, and what runs by itself: whatever a change takes out of the way between."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.review.alarms import ACTIONS, ALARM, COMPOSITE
from tools.review.data import said
from tools.review.difference import How, ResourceChange
from tools.review.effects import effects
from tools.review.estate import Address, Estate, Resource
from tools.review.findings import Finding, What
from tools.review.grants import lines, uncovered
from tools.review.holders import held
from tools.review.replacement import Cause
from tools.review.schemas import scrutinised
from tools.review.showing import short
from tools.review.values import references

TOPIC = "AWS::SNS::Topic"
SCHEDULES = (
    "AWS::Events::Rule",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::RotationSchedule",
)
# Of what hears a topic: changes that take nothing from what is heard.
_SAME_NEWS = ("GuardrailPolicies", "LoggingLevel", "Tags", "DisplayName")


def listener_findings(
    base: Estate,
    head: Estate,
    changes: Iterable[ResourceChange],
    replaced: Mapping[Address, list[Cause]],
) -> Iterator[Finding]:
    """Topics, their subscribers and policies, and schedules, that are gone, other, or off."""
    by_address = {change.address: change for change in changes}
    topics = {address: base.resources[address] for address in _topics(base)}
    for topic in topics.values():
        yield from _heard(
            topic.address, topic, by_address, replaced, "Nobody who listens hears it."
        )
        for one in base.resources.values():
            if one.kind not in (ALARM, COMPOSITE) and one.kind != TOPIC and _names(one, topic):
                if scrutinised(one.kind).get("") == "ResourcePolicyResource":
                    yield from _may_publish(one.address, base, head)
                elif one.address not in base.stateful:
                    effect = f"Somebody who hears {topic.address.name} may hear it no more."
                    yield from _heard(one.address, one, by_address, replaced, effect)
    yield from _schedules(base, by_address)


def _topics(estate: Estate) -> set[Address]:
    """The topics that alarms act on, and those that stateful resources report to."""
    found: set[Address] = set()
    for address, resource in estate.resources.items():
        names = ACTIONS if resource.kind in (ALARM, COMPOSITE) else tuple(resource.properties)
        if resource.kind in (ALARM, COMPOSITE) or address in estate.stateful:
            values = [resource.properties.get(name) for name in names]
            found |= {Address(*place) for place in references(values)}
    return {one for one in found if one in estate.resources and estate.resources[one].kind == TOPIC}


def _names(resource: Resource, topic: Resource) -> bool:
    """Whether a property of a resource is the topic, by reference or by its ARN."""
    name = str(topic.properties.get("TopicName", ""))

    def is_topic(value: Any) -> bool:
        return isinstance(value, str) and (
            topic.address in {Address(*place) for place in references(value)}
            or bool(name and value.endswith(f":{name}"))
        )

    return any(
        is_topic(value) or (isinstance(value, list) and any(is_topic(one) for one in value))
        for value in resource.properties.values()
    )


def _heard(
    address: Address,
    resource: Resource,
    changes: Mapping[Address, ResourceChange],
    replaced: Mapping[Address, list[Cause]],
    effect: str,
) -> Iterator[Finding]:
    causes: list[str] = []
    change = changes.get(address)
    if change and change.how is not How.CHANGED:
        causes.append("it is no longer in the template")
    elif address in replaced:
        causes += [f"it is replaced: {cause.says}" for cause in replaced[address]]
    elif change:
        for one in change.properties:
            if one.path.split(".")[0] in _SAME_NEWS:
                continue
            rows = effects(change.kind, one.path, one.before, one.after)
            if resource.kind != TOPIC or any(row.what for row in rows):
                causes.append(said(one))
    if causes:
        yield Finding(
            What.LOOSEN, *address, resource.kind, tuple(causes), effect, dict(resource.properties)
        )


def _may_publish(policy: Address, base: Estate, head: Estate) -> Iterator[Finding]:
    before, after = held(base).get(policy, []), held(head).get(policy, [])
    lost = uncovered([one for one in before if one.effect == "Allow"], after)
    refused = uncovered([one for one in after if one.effect == "Deny"], before)
    told = [f"no longer: {short(line)}" for line in lines(lost)]
    told += [f"now: {short(line)}" for line in lines(refused)]
    if told:
        kind = base.resources[policy].kind
        effect = "What is published by that right is dropped without a word."
        yield Finding(What.LOOSEN, *policy, kind, tuple(told), effect, told)


def _schedules(base: Estate, changes: Mapping[Address, ResourceChange]) -> Iterator[Finding]:
    for address, change in changes.items():
        causes = []
        if change.kind in SCHEDULES and change.how is How.REMOVED:
            causes.append("it is no longer in the template")
        for one in change.properties:
            off = one.path == "State" and str(one.after).upper() == "DISABLED"
            stopped = one.path == "ReservedConcurrentExecutions" and one.after == "0"
            if off or stopped:
                causes.append(said(one))
        if causes:
            effect = "What it starts, or is, no longer runs by itself."
            evidence = dict(base.resources[address].properties)
            yield Finding(What.LOOSEN, *address, change.kind, tuple(causes), effect, evidence)
