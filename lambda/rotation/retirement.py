"""The end of a rotation: the old token is retired when no client can have it any more."""

from datetime import timedelta

from rotation.tools import Tools
from shared import versions as tags
from shared.auth_token import AuthToken
from shared.errors import NotYetError
from shared.group import GroupState
from shared.versions import ROTATING, Versions

# A group that is always being modified takes no snapshot: a change is asked for once an hour.
PAUSE = timedelta(hours=1)


def retire(tools: Tools, found: Versions, after: timedelta) -> str:
    """Do the next part of leaving AWSCURRENT's token alone, and say what was done.

    ``after`` counts from the move of AWSCURRENT and is longer than any client caches the secret.
    Raises NotYetError while there is nothing to do but wait, and DisagreementError if an endpoint
    refuses AWSCURRENT's token.
    """
    now, since = tools.clock(), found.current_since
    if since is None:
        tools.secret.tag(tags.since(found.current, now))
        return "nobody wrote down when AWSCURRENT moved: counted from now"
    if now < since + after:
        raise NotYetError(f"clients may use the old token until {since + after:%Y-%m-%d %H:%M} UTC")
    group = tools.group.describe()
    group.require_settled()
    current = tools.secret.token(found.current)
    tools.prove_current(current, *group.endpoints)
    asked = found.retirement_asked
    paused = asked is not None and now < asked + PAUSE
    if found.set_was_sent:
        if _previous_is_refused(tools, found, current, group):
            tools.secret.tag(tags.accepted("one", found.current, now))
            tools.secret.move(ROTATING, origin=found.current, to=None)
            return "the old token is refused and the rotation is over"
        if paused:
            raise NotYetError("the old token is still accepted: SET is sent again an hour later")
    if tools.group.set_only(current):
        tools.secret.tag(tags.accepted("set", found.current, now))
        return "SET was sent: the old token is being retired"
    if paused:
        raise NotYetError("SET is refused even after ROTATE: both are tried again an hour later")
    tools.secret.tag(tags.accepted("again", found.current, now))
    tools.group.rotate(current)
    return "SET was refused, so AWSCURRENT's token is rotated in again first"


def _previous_is_refused(
    tools: Tools, found: Versions, current: AuthToken, group: GroupState
) -> bool:
    previous = tools.secret.find_token(found.previous) if found.previous else None
    if previous is None or previous == current:
        return True
    return not any(tools.log_in(endpoint, previous) for endpoint in group.endpoints)
