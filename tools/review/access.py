"""Access that a change widens, and keys that it closes to those who use them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tools.review.data import said
from tools.review.difference import How, ResourceChange
from tools.review.estate import Address, Estate
from tools.review.findings import Finding, What
from tools.review.grants import ANYBODY, Grant, lines, uncovered
from tools.review.holders import Held, account_of, held
from tools.review.schemas import own_name
from tools.review.showing import short
from tools.review.values import references

# Any of them in a condition ties a request to somebody.
_TIES = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
]
# What keeps rights in bounds from outside of any policy.
_LIMITS = ("PermissionsBoundary", "GuardrailPolicies")
_ANY_OF_A_TYPE = re.compile(r"([\w-]+[:/])?\*")


def access_findings(
    base: Estate, head: Estate, changes: Iterable[ResourceChange]
) -> Iterator[Finding]:
    """Grants that are new or wider, refusals that go, and statements taken from a key's policy."""
    before, after = held(base), held(head)
    for holder in sorted(before.keys() | after.keys()):
        yield from _widened(holder, before, after, base, head)
        yield from _closed(holder, before, after, base, head)
    for change in changes:
        for one in change.properties:
            if one.path.split(".")[0] in _LIMITS and one.before is not None:
                effect = "What kept its rights in bounds is another, or gone."
                yield Finding(
                    What.WIDEN, *change.address, change.kind, (said(one),), effect, one.before
                )


def _widened(
    holder: Address, before: Held, after: Held, base: Estate, head: Estate
) -> Iterator[Finding]:
    had, has = before.get(holder, []), after.get(holder, [])
    gained = uncovered([one for one in has if one.effect == "Allow"], had)
    kind = (head.resources.get(holder) or base.resources[holder]).kind
    dangers: dict[str, list[Grant]] = defaultdict(list)
    for grant in gained:
        dangers[_danger(grant, holder, base, head)].append(grant)
    told = dangers.pop("", []) if holder not in base.resources else []
    stop = [
        f"{line}{f' ({why})' if why else ''}"
        for why, those in sorted(dangers.items())
        for line in lines(those)
    ]
    if stop:
        yield _widen(holder, kind, stop, "It may do what it may not do today.")
    if told:
        yield _widen(holder, kind, lines(told), "New, with what it needs.", refused=False)
    lost = [one for one in uncovered(_denials(had), _denials(has)) if _protects(one, holder, head)]
    if lost:
        gone = [f"no longer: {line}" for line in lines(lost)]
        yield _widen(holder, kind, gone, "What is refused today would be allowed.")


def _danger(grant: Grant, holder: Address, base: Estate, head: Estate) -> str:
    """Why a grant is dangerous even to what is new, in a few words; nothing if it is not."""
    account = account_of(head, holder.stack)
    if grant.principal == ANYBODY and not any(
        key in _TIES and "*" not in values for _, key, values in grant.conditions
    ):
        return "anybody"
    if (owner := re.search(r"(?:arn:aws[\w-]*:(?:iam|sts)::|^)(\d{12})", grant.principal)) and (
        account and owner[1] != account
    ):
        return "another account"
    whole_account = grant.principal.endswith(f":{account}:root")
    if re.fullmatch(r"(\w+:)?\*", grant.action) and not whole_account:
        return "every action"
    if grant.action.startswith(("anything but", "everything in")):
        return "more than is named"
    if touched := _touched(grant, base):
        return f"reaches {', '.join(touched)}"
    return ""


def _touched(grant: Grant, base: Estate) -> list[str]:
    """The stateful resources of today that a grant is about, by reference, name or wildcard."""
    referred = {Address(*place) for place in references(grant.resource)}
    if grant.principal and grant.resource == "*":
        return []  # in a resource's own policy that is the resource itself
    service = grant.action.split(":")[0]
    place = grant.resource.split(":", 5)[-1]
    found = []
    for address in sorted(base.stateful):
        resource = base.resources[address]
        name = str(resource.properties.get(own_name(resource.kind) or "", ""))
        of_service = resource.kind.split("::")[1].lower() == service
        if (
            address in referred
            or (name and re.search(rf"[:/]{re.escape(name)}(?![\w-])", grant.resource))
            or (of_service and grant.resource and _ANY_OF_A_TYPE.fullmatch(place))
        ):
            found.append(address.name)
    return found


def _denials(those: list[Grant]) -> list[Grant]:
    return [one for one in those if one.effect == "Deny"]


def _protects(denial: Grant, holder: Address, head: Estate) -> bool:
    """Whether what a refusal protects is still there to be protected."""
    protected = {Address(*place) for place in references(denial.resource)} or {holder}
    return any(address in head.resources for address in protected)


def _closed(
    holder: Address, before: Held, after: Held, base: Estate, head: Estate
) -> Iterator[Finding]:
    """Who can no longer use a stateful resource by its own policy."""
    if holder not in base.stateful or holder not in head.resources:
        return
    had, has = before.get(holder, []), after.get(holder, [])
    allowed = [one for one in had if one.effect == "Allow"]
    closed = [one for one in uncovered(allowed, has) if not _gone(one, base, head)]
    told = [f"no longer: {line}" for line in lines(closed)]
    told += [f"now: {line}" for line in lines(uncovered(_denials(has), had))]
    if told:
        kind = base.resources[holder].kind
        effect = "Whoever uses it by that can no longer; what a key closes to AWS is unreadable."
        yield Finding(What.INTERRUPT, *holder, kind, _short(told), effect, told)


def _gone(grant: Grant, base: Estate, head: Estate) -> bool:
    """Whether a grant was for a resource that goes with it, by a name in its conditions."""
    values = " ".join(value for _, _, those in grant.conditions for value in those)
    for address, resource in base.resources.items():
        name = str(resource.properties.get(own_name(resource.kind) or "", ""))
        if name and address not in head.resources and values.endswith(name):
            return True
    return False


def _widen(
    holder: Address, kind: str, told: list[str], effect: str, *, refused: bool = True
) -> Finding:
    return Finding(What.WIDEN, *holder, kind, _short(told), effect, told, refused)


def _short(told: Iterable[str]) -> tuple[str, ...]:
    return tuple(short(line) for line in told)


def added(changes: Iterable[ResourceChange], kinds: Iterable[str]) -> list[ResourceChange]:
    """The added resources of some types."""
    return [one for one in changes if one.how is How.ADDED and one.kind in kinds]
