"""What a change does to a stack as a whole."""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.assembly import Stack
from tools.review.estate import Estate
from tools.review.findings import Finding, What

STACK = "stack"  # stands for a stack as a whole where an acknowledgement names a resource
KIND = "AWS::CloudFormation::Stack"
# What values of properties are looked up in: the properties read the same when these change.
SECTIONS = ("Conditions", "Mappings", "Parameters", "Transform")
_OF_THE_CDK = "BootstrapVersion"  # checked by the CDK before it deploys, and used by no resource


def stack_findings(base: Estate, head: Estate) -> Iterator[Finding]:
    """Stacks that leave the app, move, lose their protection, or look their values up elsewhere."""
    for name, before in base.stacks.items():
        after = head.stacks.get(name)
        if after is None:
            effect = (
                "CDK leaves it in AWS, where nothing updates or watches over it; a stack of "
                "another name is a second deployment."
            )
            yield _finding(What.DELETE, name, "it is no longer in the app", effect)
        else:
            yield from _compared(name, before, after)


def _compared(name: str, before: Stack, after: Stack) -> Iterator[Finding]:
    places = [one.artifact.get("environment") for one in (before, after)]
    if places[0] != places[1]:
        effect = "A new, empty one is made there; the present one stays behind."
        yield _finding(What.DELETE, name, f"it moves from {places[0]} to {places[1]}", effect)
    protected = [
        bool(one.artifact.get("properties", {}).get("terminationProtection"))
        for one in (before, after)
    ]
    if protected == [True, False]:
        effect = "The stack, and all data in it, can be deleted by a slip."
        yield _finding(What.WEAKEN, name, "termination protection is taken off", effect)
    for section in SECTIONS:
        was, becomes = (_section(one.body, section) for one in (before, after))
        if was != becomes:
            effect = "Any property may get another value by it, which is not seen here."
            cause = f"the template's {section} change"
            yield _finding(What.INTERRUPT, name, cause, effect, [was, becomes])


def _section(body: Mapping[str, Any], name: str) -> Any:
    section = body.get(name) or {}
    if not isinstance(section, dict):
        return section
    return {key: value for key, value in section.items() if key != _OF_THE_CDK}


def _finding(what: What, stack: str, cause: str, effect: str, evidence: Any = None) -> Finding:
    return Finding(what, stack, STACK, KIND, (cause,), effect, evidence)
