"""What a change set would do, as a reviewer reads it, and what no review may let through."""

from collections.abc import Iterator, Sequence
from typing import Any

Change = dict[str, Any]

# What these hold is gone with them: tokens, keys and counters have no other copy in the stack.
HOLDS_DATA = frozenset(
    {"AWS::ElastiCache::ReplicationGroup", "AWS::KMS::Key", "AWS::SecretsManager::Secret"}
)
_REPLACED = {"True": "**is replaced**", "Conditional": "perhaps replaced"}
_ACTIONS = {"Add": "added", "Modify": "changed", "Remove": "**removed**"}


def read(client: Any, change_set: str) -> list[Change]:
    """Every change of a change set. ``client`` is CloudFormation's."""
    pages = client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    return [change["ResourceChange"] for page in pages for change in page["Changes"]]


def losses(stack: str, changes: Sequence[Change]) -> Iterator[str]:
    """Why this must not be executed: a sentence for each resource whose data would be lost.

    A removal that CloudFormation will carry out as "retain" loses nothing, and is let through. What
    CloudFormation only decides while it deploys counts as lost: no approval can cover it.
    """
    for change in changes:
        if change["ResourceType"] in HOLDS_DATA and (fate := _fate(change)):
            yield (
                f"{stack}: {change['LogicalResourceId']} ({change['ResourceType']}) would be {fate}"
            )


def _fate(change: Change) -> str | None:
    replaced = change.get("Replacement")
    if replaced == "True":
        return "replaced"
    if replaced == "Conditional" or change["Action"] == "Dynamic":
        return "replaced, if CloudFormation finds so while it deploys"
    removed = change["Action"] == "Remove" and change.get("PolicyAction") != "Retain"
    return "removed" if removed else None


def table(stack: str, changes: Sequence[Change]) -> Iterator[str]:
    """Markdown: a heading and one row per resource. Values are not shown: some are secret."""
    yield f"\n#### {stack}\n"
    if not changes:
        yield "Nothing changes."
        return
    yield "| resource | type | what | properties |"
    yield "|---|---|---|---|"
    for change in changes:
        what = _ACTIONS.get(change["Action"], change["Action"].lower())
        if replaced := _REPLACED.get(change.get("Replacement", "")):
            what = f"{what}, {replaced}"
        yield (
            f"| {change['LogicalResourceId']} | {change['ResourceType']} | {what} "
            f"| {', '.join(_properties(change))} |"
        )


def _properties(change: Change) -> list[str]:
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    return sorted({target.get("Name") or target.get("Attribute", "") for target in targets} - {""})
