"""What a change does to data: what is deleted, replaced, interrupted, or less well protected."""

from collections.abc import Iterable, Iterator, Mapping

from tools.review.difference import PropertyChange, ResourceChange
from tools.review.effects import effects
from tools.review.estate import KEEPS, Address, Estate, Resource
from tools.review.findings import Finding, What
from tools.review.replacement import Cause
from tools.review.schemas import own_name
from tools.review.showing import shown


def data_findings(
    base: Estate,
    head: Estate,
    changes: Iterable[ResourceChange],
    replaced: Mapping[Address, list[Cause]],
) -> Iterator[Finding]:
    """Everything about what holds data, and about what such a resource cannot do without."""
    watched = base.stateful | base.foundations
    by_address = {change.address: change for change in changes}
    for address in sorted(watched):
        before, after = base.resources[address], head.resources.get(address)
        if after is None or after.kind != before.kind:
            yield _deleted(before, after, base)
        elif address in replaced:
            yield _replaced(before, after, replaced[address], base)
        elif change := by_address.get(address):
            yield from _changed(change, base)
        if after is not None:
            yield from _attributes(before, after)


def rests_on(address: Address, estate: Estate) -> str:
    """Which stateful resources a resource carries that holds no data itself, as a sentence."""
    if address in estate.stateful:
        return ""
    carried = sorted(
        one.name for one in estate.stateful if address in _reach(one, estate) and one != address
    )
    return f"{', '.join(carried)} cannot do without it." if carried else ""


def _reach(start: Address, estate: Estate) -> set[Address]:
    found: set[Address] = set()
    ahead = {start}
    while ahead:
        ahead = set().union(*(estate.referred_by(one) for one in ahead)) - found
        found |= ahead
    return found


def _deleted(before: Resource, after: Resource | None, base: Estate) -> Finding:
    cause = f"its type becomes {after.kind}" if after else "it is no longer in the template"
    fate = {
        "Delete": "Its data is deleted with it (DeletionPolicy Delete).",
        "Snapshot": "A last snapshot stays, its address and everything since are gone (Snapshot).",
    }.get(before.on_deletion, f"It stays in AWS, outside of every stack ({before.on_deletion}).")
    if before.address not in base.stateful:
        fate = "It holds no data itself."
    return _finding(What.DELETE, before, [cause], f"{fate} {rests_on(before.address, base)}")


def _replaced(before: Resource, after: Resource, causes: list[Cause], base: Estate) -> Finding:
    doubt = "" if all(cause.certain for cause in causes) else "Whether, AWS decides at deployment. "
    fate = {
        "Delete": "The new one is empty, and the old one is deleted with its data.",
        "Snapshot": "The new one is empty; of the old one a last snapshot stays.",
    }.get(after.on_replacement, "The new one is empty; the old one stays, outside of every stack.")
    if before.address not in base.stateful:
        fate = "What uses it is moved to a new one while it serves."
    name = own_name(after.kind)
    if name and name in after.properties and before.properties.get(name) == after.properties[name]:
        fate += f" Its {name} stays: AWS takes no second one of that name, so the update fails."
    return _finding(
        What.REPLACE,
        before,
        [cause.says for cause in causes],
        f"{doubt}{fate} (UpdateReplacePolicy {after.on_replacement}) "
        f"{rests_on(before.address, base)}",
        after,
    )


def _changed(change: ResourceChange, base: Estate) -> Iterator[Finding]:
    before = base.resources[change.address]
    for one in change.properties:
        for effect in effects(change.kind, one.path, one.before, one.after):
            if effect.what:
                yield Finding(
                    effect.what,
                    *change.address,
                    change.kind,
                    (said(one),),
                    f"{effect.says[0].upper()}{effect.says[1:]}. "
                    f"{rests_on(before.address, base)}".strip(),
                    [one.path, one.before, one.after],
                )


def said(change: PropertyChange) -> str:
    """A change of a property as one line: what it was and what it becomes."""
    was, becomes = shown(change.path, change.before), shown(change.path, change.after)
    if was == becomes:
        was, becomes = "a value", "another"
    return f"{change.path}: {was} → {becomes}"


def _attributes(before: Resource, after: Resource) -> Iterator[Finding]:
    def weaker(name: str, was: str, becomes: str, effect: str) -> Finding:
        return _finding(What.WEAKEN, before, [f"{name}: {was} → {becomes}"], effect, after)

    if before.on_deletion in KEEPS and after.on_deletion != before.on_deletion:
        effect = "What is kept today when it leaves the template would be kept less well."
        yield weaker("DeletionPolicy", before.on_deletion, after.on_deletion, effect)
    if before.on_replacement in KEEPS and after.on_replacement != before.on_replacement:
        effect = "What is kept today when it is replaced would be kept less well."
        yield weaker("UpdateReplacePolicy", before.on_replacement, after.on_replacement, effect)
    was, becomes = (
        str((one.attributes.get("UpdatePolicy") or {}).get("UseOnlineResharding", "absent"))
        for one in (before, after)
    )
    if was != becomes and was.lower() == "true":
        effect = "The next change of the number of shards replaces the group."
        yield weaker("UpdatePolicy.UseOnlineResharding", was, becomes, effect)
    conditions = before.attributes.get("Condition"), after.attributes.get("Condition")
    if conditions[0] != conditions[1]:
        cause = f"Condition: {conditions[0] or 'none'} → {conditions[1] or 'none'}"
        effect = f"Where the condition does not hold, it is deleted ({before.on_deletion})."
        yield _finding(What.DELETE, before, [cause], effect, after)


def _finding(
    what: What, before: Resource, causes: list[str], effect: str, after: Resource | None = None
) -> Finding:
    evidence = [before.properties, after.properties if after else None]
    return Finding(what, *before.address, before.kind, tuple(causes), effect.strip(), evidence)
