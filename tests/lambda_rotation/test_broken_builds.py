"""The search finds what it is for: each build that is broken in one place breaks an invariant."""

import inspect
import sys
import types

import pytest

from rotation import convergence, published, reconciler, steps
from rotation import wanted as rule
from shared import user, versions
from tests.lambda_rotation.actions import act
from tests.lambda_rotation.model.world import LockedOutError, NotOverError, OpenError, SilentError
from tests.lambda_rotation.search import Line, search
from tests.lambda_rotation.test_systematic import made

# What is broken, where, what the shipped build has there, and which invariant does not survive it.
BUILDS = {
    "AWSPENDING wins over AWSPREVIOUS": (
        rule,
        "PENDING if found.retired(now, retire_after) else PREVIOUS",
        "PENDING if values.get(PENDING) else PREVIOUS",
        NotOverError,
    ),
    "AWSPREVIOUS's token is not kept": (
        rule,
        "PENDING if found.retired(now, retire_after) else PREVIOUS",
        "PENDING",
        LockedOutError,
    ),
    "an unknown time counts as long ago": (
        versions,
        "since is not None and now >= since + retire_after",
        "since is None or now >= since + retire_after",
        LockedOutError,
    ),
    "the time of another move counts": (
        versions,
        "_time(text) if pair == self._pair else None",
        "_time(text)",
        LockedOutError,
    ),
    "the old token is retired at once": (
        versions,
        "now >= since + retire_after",
        "now >= since",
        LockedOutError,
    ),
    "the old token is never retired": (
        versions,
        "now >= since + retire_after",
        "now < since",
        NotOverError,
    ),
    "finishSecret trusts testSecret": (
        steps,
        "    view.prove(token)\n",
        "",
        LockedOutError,
    ),
    "one node is proof enough": (
        convergence,
        "list(tools.group.describe().members)",
        "list(tools.group.describe().members)[:1]",
        LockedOutError,
    ),
    "a node without an answer is proof": (
        convergence,
        "        if silent:\n",
        "        if False:\n",
        LockedOutError,
    ),
    "AWSCURRENT's token alone is sent": (
        convergence,
        "tools.user.replace_passwords(view.wanted, ",
        "tools.user.replace_passwords(view.wanted[:1], ",
        NotOverError,
    ),
    "a refused token is no difference": (
        convergence,
        "refused = [not taken for taken in view.taken(token)]",
        "refused = [False]",
        NotOverError,
    ),
    "what some nodes refuse is no difference": (
        convergence,
        "        if any(nodes):",
        "        if all(nodes):",
        NotOverError,
    ),
    "a password too many is no difference": (
        convergence,
        "if too_many and",
        "if False and",
        NotOverError,
    ),
    "a user without a password is no difference": (
        convergence,
        "    faults = dict(_faults(tools, view, user))\n",
        "    faults = {} if user.kind != PASSWORD else dict(_faults(tools, view, user))\n",
        OpenError,
    ),
    "an open user gets passwords and stays open": (
        user,
        '{"NoPasswordRequired": False} if close else {}',
        "{}",
        OpenError,
    ),
    "what was sent is never sent again": (
        convergence,
        "sent <= view.now < sent + pause",
        "True",
        OpenError,
    ),
    "AWSPENDING stays on a value that is no password": (
        reconciler,
        "    tools.secret.move(PENDING, origin=pending, to=None)\n",
        "",
        NotOverError,
    ),
    "nobody writes down when AWSCURRENT moved by hand": (
        reconciler,
        "        written |= found.since(tools.clock())\n",
        "        pass\n",
        NotOverError,
    ),
    "a refused token is not published": (
        published,
        'self.figures["TokenDisagreement"] = float(not (view.wanted and all(accepted)))',
        'self.figures["TokenDisagreement"] = 0.0',
        SilentError,
    ),
    "a user without a password is not published": (
        published,
        'self.figures["LoginWithoutPassword"] = ',
        'self.figures["Other"] = ',
        SilentError,
    ),
}


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("name", BUILDS)
def test_a_broken_build_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, right, wrong, invariant = BUILDS[name]
    _break(module, right, wrong, monkeypatch)
    with pytest.raises(invariant):
        _prove()


def _prove() -> None:
    """Raises what an invariant that is broken raises, at the fewest actions that show it."""
    for actions in (0, 1):
        for late in (False, True):
            world = made()
            if late:
                act("a node that is late with the next change")(world)
            search(Line.of(world, rotating=True), actions)


def _break(
    module: types.ModuleType, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compile the module anew with one change, and put its parts wherever the old ones are."""
    source = inspect.getsource(module)
    assert right in source, f"{right!r} is not in {module.__name__}"
    broken = types.ModuleType(module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, broken)  # dataclasses look themselves up
    exec(compile(source.replace(right, wrong), module.__name__, "exec"), vars(broken))  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    users = [
        used
        for name, used in sys.modules.items()
        if name.startswith(("rotation.", "shared.", "tests.lambda_rotation"))
    ]
    for name, part in list(vars(module).items()):
        if getattr(part, "__module__", None) == module.__name__:
            for used in users:
                if vars(used).get(name) is part:
                    monkeypatch.setattr(used, name, getattr(broken, name))
