"""Our own schedule's pass: it finishes what was interrupted and retires the old token.

Nothing rests on how often, when or with which version Secrets Manager retries. A pass is bounded
and waits for nothing; what it cannot do now, a later one does.
"""

from datetime import datetime, timedelta

from rotation.published import State
from rotation.retirement import retire
from rotation.steps import create_secret, finish_secret, set_secret, test_secret
from rotation.tools import Tools
from shared import versions as tags
from shared.auth_token import AuthToken
from shared.errors import DisagreementError, NotYetError, StoppedError
from shared.versions import PENDING, ROTATING, Versions

# So long Secrets Manager has a rotation for itself; at a deployment it also puts AWSPENDING on a
# version for a moment, to test, and takes it away.
PATIENCE = timedelta(hours=1)


def reconcile(tools: Tools, retire_after: timedelta) -> State:
    """One pass; returns what is to be published. ``retire_after``: see retirement.retire.

    If Redis refuses AWSCURRENT's token, no token and no label is changed. What stops a pass is in
    the state's words, and alarms see its age; raises what ``ask`` raises, or WrongVersionError,
    only if AWSCURRENT cannot be read or the age cannot be kept: an alarm sees the silence then.
    """
    found = tools.secret.versions()
    current = tools.secret.token(found.current)
    now = tools.clock()
    _keep_time(tools, found, now)
    disagreement: bool | None = None
    try:
        tools.prove_current(current, tools.group.describe().first)
        disagreement = False
        words = _advance(tools, found, current, now, retire_after)
    except NotYetError as waiting:
        words = f"waiting: {waiting}"
    except StoppedError as stopped:
        disagreement = isinstance(stopped, DisagreementError) or disagreement
        words = f"stopped: {stopped}"
    return State.of(found, current, now, retire_after, disagreement=disagreement, words=words)


def _advance(
    tools: Tools, found: Versions, current: AuthToken, now: datetime, retire_after: timedelta
) -> str:
    if found.unretired:
        return retire(tools, found, retire_after)
    if found.rotating:
        return _bring_in(tools, found.rotating)
    if found.perhaps_two_accepted:
        tools.secret.move(ROTATING, origin=None, to=found.current)
        return f"{ROTATING} was removed by hand: what is accepted beside AWSCURRENT is retired"
    if found.pending in (None, found.current):
        return "nothing to do"
    if tools.secret.find_token(found.pending) == current:
        tools.secret.move(PENDING, origin=found.pending, to=None)
        return f"{PENDING} was left on a copy of AWSCURRENT and is removed"
    if now < (found.unfinished_since or now) + PATIENCE:
        raise NotYetError("Secrets Manager has the rotation in hand")
    create_secret(tools, found.pending)
    return _bring_in(tools, found.pending)


def _bring_in(tools: Tools, version: str) -> str:
    set_secret(tools, version)
    test_secret(tools, version)
    finish_secret(tools, version)
    return f"AWSCURRENT moved to version {version}"


def _keep_time(tools: Tools, found: Versions, now: datetime) -> None:
    if found.unfinished and found.unfinished_since is None:
        tools.secret.tag(tags.unfinished(now))
    elif not found.unfinished and found.unfinished_since is not None:
        tools.secret.untag(tags.UNFINISHED_SINCE)
