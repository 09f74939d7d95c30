"""Our own schedule's pass: from any state, passes alone lead to rest.

Nothing rests on how often, when or with which version Secrets Manager retries. A pass is bounded
and waits for nothing; what it cannot do now, a later one does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rotation.convergence import Tools, View, converge, look
from rotation.steps import create_secret, finish
from shared import versions as tags
from shared.emf import emitted
from shared.errors import NotYetError, StoppedError
from shared.user import UserState
from shared.versions import CURRENT, PENDING, Versions

# For so long only Secrets Manager works on a rotation; at a deployment it also puts AWSPENDING on a
# version for a moment, to test, and takes it away.
PATIENCE = timedelta(hours=1)
HOUR = timedelta(hours=1)


@dataclass
class State:
    """What one pass has found so far; alarms look at ``figures``, by metric, without the unknown.

    They are ages of states, never counts of errors: a step that is not ready raises by design.

    ``confirmed``: every node has the passwords that the user must have. ``settled``: there is
    nothing else to do either, but wait for the old token's time.
    """

    time: datetime
    found: Versions | None = None
    confirmed: bool = False
    settled: bool = False
    words: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def see(self, view: View, retire_after: timedelta) -> None:
        """Take over what the nodes said.

        Where no tag says when AWSCURRENT moved, it is as old as its version: an unknown time would
        otherwise count as none, permanently.
        """
        current, found = view.values[CURRENT], view.found
        accepted = view.taken(current)
        if accepted or not view.wanted:
            self.figures["TokenDisagreement"] = float(not (view.wanted and all(accepted)))
        if view.open:
            self.figures["LoginWithoutPassword"] = float(any(view.open))
        if current is None:
            return
        age = self.time - current.created
        due = (found.current_since(self.time) or current.created) + retire_after
        late = max(self.time - due, timedelta())
        old = view.taken(view.retired)
        if view.retired is None:
            old = [not found.retired(self.time, retire_after)]
        if old:
            self.figures["OldTokenUnretiredHours"] = round(any(old) * late / HOUR, 3)
        self.figures["TokenAgeDays"] = round(age / HOUR / 24, 3)

    def line(self, group_id: str) -> str:
        """The line of log that CloudWatch makes metrics of."""
        return emitted(group_id, self.time, self.figures, {"rotation": self.words})


def reconcile(tools: Tools) -> State:
    """One pass; returns what is to be published. It raises nothing, whatever happens.

    A figure that could not be found out is left out: an alarm takes the silence of
    RotationUnfinishedHours for a breach.
    """
    state = State(tools.clock())
    said = [_guarded(lambda: _pass(tools, state)), _guarded(lambda: _keep_times(tools, state))]
    state.words = "; ".join(words for words in said if words)
    return state


def _guarded(work: Callable[[], str]) -> str:
    """What it returns, or why it stopped, in words of ours."""
    try:
        return work()
    except NotYetError as waiting:
        return f"waiting: {waiting}"
    except StoppedError as stopped:
        return f"stopped: {stopped}"
    except Exception as unknown:  # noqa: BLE001 - its message may repeat an answer of AWS
        return f"stopped: {type(unknown).__name__}"


def _pass(tools: Tools, state: State) -> str:
    found = state.found = tools.secret.versions()
    view = look(tools, found)
    state.see(view, tools.retire_after)
    user = tools.user.describe()
    if user.kind.startswith("no-password"):
        state.figures["LoginWithoutPassword"] = 1.0
    sent = converge(tools, view, user)
    if sent:
        return sent
    state.confirmed = True
    return _advance(tools, view, user, state)


def _advance(tools: Tools, view: View, user: UserState, state: State) -> str:
    found, pending = view.found, view.found.pending
    if not found.retired(view.now, tools.retire_after):
        state.settled = True
        since = found.current_since(view.now) or view.now
        until = since + tools.retire_after
        return f"clients may use the old token until {until:%Y-%m-%d %H:%M} UTC"
    if pending is None:
        state.settled = True
        return "nothing to do"
    if view.values[PENDING] in view.wanted[1:]:
        finish(tools, view, user)
        state.settled = True
        return f"AWSCURRENT moved to version {pending}"
    if view.now < (found.unfinished_since or view.now) + PATIENCE:
        raise NotYetError("Secrets Manager has the rotation in hand")
    if view.values[PENDING] is None:
        create_secret(tools, pending)
        return f"version {pending} was given a token"
    tools.secret.move(PENDING, origin=pending, to=None)
    return f"AWSPENDING is taken from version {pending}, whose token cannot be brought in"


def _keep_times(tools: Tools, state: State) -> str:
    """Tag when each state began, and remove the tags of states that ended."""
    found, begun = state.found, state.time
    if found is None:
        return ""
    written: dict[str, str] = {}
    if not found.never_moved and found.current_since(begun) is None:
        written |= found.since(tools.clock())
    if not state.settled:
        begun = min(found.unfinished_since or begun, begun)
        written[tags.UNFINISHED_SINCE] = tags.written(begun)
    new = {key: value for key, value in written.items() if found.tags.get(key) != value}
    if new:
        tools.secret.tag(new)
    gone = {tags.UNFINISHED_SINCE: state.settled, tags.SENT: state.confirmed}
    old = [key for key, over in gone.items() if over and key in found.tags]
    if old:
        tools.secret.untag(*old)
    state.figures["RotationUnfinishedHours"] = round((state.time - begun) / HOUR, 3)
    return ""
