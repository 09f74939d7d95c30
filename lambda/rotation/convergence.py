"""What every node accepts, and the user's passwords sent where that is not as it should be."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rotation.wanted import Values, wanted
from shared.auth_token import AuthToken
from shared.errors import (
    AwsRefusedError,
    DisagreementError,
    NotYetError,
    UnreachableError,
    WrongVersionError,
)
from shared.group import Endpoint, Group
from shared.login import Logins
from shared.secret import Secret
from shared.user import ACTIVE, PASSWORD, User, UserState
from shared.versions import CURRENT, PENDING, PREVIOUS, SENT, Versions, written

# The same passwords are not sent again for PAUSE: nodes follow one by one, and a group that is
# always being modified takes no snapshot. Where no node has them, a person may have replaced them,
# so they are sent again sooner. That time doubles: each call may restart a slow change.
PAUSE = timedelta(hours=1)
PAUSE_OF_ALL = timedelta(minutes=5)
MOST_DOUBLED = 6
# No node is tried later: the slowest that is waited for takes 24 of the function's 60 seconds.
LONGEST = timedelta(seconds=30)


@dataclass(frozen=True)
class Tools:
    """What a pass works with: the secret, the user, the group, logins, and the time with its zone.

    ``retire_after`` counts from AWSCURRENT's move and is longer than any client caches the secret.
    ``most_refused`` is how many logins of one pass may be refused where all is as it should be.
    """

    secret: Secret
    user: User
    group: Group
    try_tokens: Callable[[Endpoint, list[AuthToken]], Logins]
    clock: Callable[[], datetime]
    retire_after: timedelta
    most_refused: int


@dataclass(frozen=True)
class View:
    """Labels and values at one moment, and what each node made of a login.

    ``nodes`` has None for one that gave no answer. ``retired`` is AWSPREVIOUS's token where it must
    be refused and no other is on its way, whose refusals would come on top.
    """

    now: datetime
    found: Versions
    values: Values
    wanted: tuple[AuthToken, ...]
    retired: AuthToken | None
    nodes: Mapping[str, Logins | None]

    @property
    def versions(self) -> list[str]:
        """The versions whose tokens the user must have."""
        return sorted(self.found.by_label[self.label(token)] for token in self.wanted)

    @property
    def open(self) -> list[bool]:
        """Whether each node serves a client without a token."""
        return [node.open for node in self.nodes.values() if node]

    def taken(self, token: AuthToken | None) -> list[bool]:
        """What each node that tried a token made of it."""
        return [node.taken[token] for node in self.nodes.values() if node and token in node.taken]

    def label(self, token: AuthToken | None) -> str:
        """The label of the version that holds it."""
        return next(label for label, value in self.values.items() if value == token)

    def prove(self, token: AuthToken | None) -> None:
        """Raises NotYetError unless every node took it; for AWSCURRENT's a DisagreementError."""
        label, refused = self.label(token), self.taken(token).count(False)
        problem = DisagreementError if label == CURRENT else NotYetError
        if token not in self.wanted:
            raise problem(f"{label}'s token is none that the user is to have now")
        if None in self.nodes.values():
            silent = sorted(name for name, logins in self.nodes.items() if logins is None)
            raise UnreachableError(f"no answer from {', '.join(silent)}")
        if refused:
            raise problem(f"{refused} of {len(self.nodes)} nodes refuse {label}'s token")


def look(tools: Tools, found: Versions) -> View:
    """Log in at every node with every token that matters. Raises what ``ask`` raises.

    Only ``most_refused`` nodes try what they must refuse, for an alarm counts refused logins; and
    where there are too many nodes for one pass, not all are asked. Each time it is others.
    """
    now = tools.clock()
    values = _values(tools, found)
    tokens = wanted(found, values, now, tools.retire_after)
    retired = values.get(PREVIOUS) if found.at_rest(now, tools.retire_after) else None
    if retired in tokens or not (retired and retired.usable):
        retired = None
    members = list(tools.group.describe().members)
    if not members:
        raise NotYetError("AWS names no node of the group")
    random.Random(now.timestamp()).shuffle(members)  # noqa: S311 - whose turn it is, no secret
    nodes: dict[str, Logins | None] = dict.fromkeys(members)
    for number, member in enumerate(members):
        if tools.clock() > now + LONGEST:
            break
        tried = [*tokens, retired] if retired and number < tools.most_refused else list(tokens)
        endpoint = tools.group.node(member)
        with suppress(UnreachableError):
            nodes[member] = tools.try_tokens(endpoint, tried) if endpoint else None
    return View(now, found, values, tokens, retired, nodes)


def converge(tools: Tools, view: View, user: UserState) -> str | None:
    """Send the user's passwords if a login went otherwise than it should; returns what was done.

    None if all is as it should be. Raises NotYetError where it waits or a node gave no answer,
    DisagreementError if AWSCURRENT's value is no password, WrongVersionError if AWSPENDING's is
    none, and what ``ask`` raises.
    """
    if not view.wanted:
        raise DisagreementError("AWSCURRENT's value cannot be a password, so nothing is changed")
    faults = dict(_faults(tools, view, user))
    if not faults:
        view.prove(view.wanted[0])
        return None
    words = ", ".join(faults)
    if user.status != ACTIVE:
        raise NotYetError(f"{words}; the user is {user.status}")
    view = _relabelled(tools, view)
    sent, times = view.found.sent(view.versions)
    pause = PAUSE_OF_ALL * 2 ** min(times, MOST_DOUBLED)
    if not any(faults.values()):
        pause = max(pause, PAUSE)
    if sent and sent <= view.now < sent + pause:
        raise NotYetError(f"{words}; what was sent at {sent:%H:%M} UTC is given its time")
    _send(tools, view, close=any(view.open) or user.kind != PASSWORD, taken_before=times > 0)
    tools.secret.tag({SENT: f"{' '.join(view.versions)} {written(view.now)} {times + 1}"})
    return f"{words}: the user's passwords were sent"


def _relabelled(tools: Tools, view: View) -> View:
    """What the user must have by the labels as they are now, whatever the nodes were asked."""
    found = tools.secret.versions()
    if found.by_label == view.found.by_label:
        return view
    values = _values(tools, found)
    tokens = wanted(found, values, view.now, tools.retire_after)
    return replace(view, found=found, values=values, wanted=tokens)


def _values(tools: Tools, found: Versions) -> dict[str, AuthToken | None]:
    versions = {CURRENT: found.current, PREVIOUS: found.previous, PENDING: found.pending}
    return {label: tools.secret.find_token(id_) for label, id_ in versions.items() if id_}


def _faults(tools: Tools, view: View, user: UserState) -> Iterator[tuple[str, bool]]:
    """What is not as it should be, and whether it is so at every node that was asked."""

    def fault(nodes: list[bool], what: str) -> Iterator[tuple[str, bool]]:
        if any(nodes):
            yield f"{nodes.count(True)} of {len(nodes)} nodes {what}", all(nodes)

    for token in view.wanted:
        refused = [not taken for taken in view.taken(token)]
        yield from fault(refused, f"refuse {view.label(token)}'s token")
    yield from fault(view.taken(view.retired), "accept the retired token")
    yield from fault(view.open, "serve clients without a token")
    if user.kind != PASSWORD:
        yield f"the user logs in by {user.kind}", True
    # Until AWSPREVIOUS is retired one of them may be its token, though the label is gone.
    too_many = (user.passwords or 0) > len(view.wanted)
    if too_many and view.found.retired(view.now, tools.retire_after):
        yield f"the user has {user.passwords} passwords", True


def _send(tools: Tools, view: View, *, close: bool, taken_before: bool) -> None:
    try:
        tools.user.replace_passwords(view.wanted, close=close)
        return
    except AwsRefusedError as refused:
        code = refused.code
        rotating = view.values.get(PENDING) in view.wanted and not taken_before
        if not rotating or "InvalidParameter" not in code:
            raise
    # No client uses AWSPENDING's token; without it the list is one that AWS has taken before.
    tools.secret.move(PENDING, origin=view.found.pending, to=None)
    raise WrongVersionError(f"AWS refused AWSPENDING's token ({code}): the rotation is over")
