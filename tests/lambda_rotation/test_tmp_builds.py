"""All ways in which a few foreign actions fall into a rotation, at any call of the function."""

import inspect
import sys
from collections import Counter
from types import ModuleType

import pytest
from allpairspy import AllPairs

from rotation import convergence, reconciler, steps, wanted
from shared import user, versions
from tests.lambda_rotation.actions import act
from tests.lambda_rotation.model.services import Promises
from tests.lambda_rotation.model.world import (
    LockedOutError,
    NotOverError,
    OpenError,
    SilentError,
    World,
)
from tests.lambda_rotation.search import Line, search

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (convergence, reconciler, steps, user, versions, wanted)
}
ERRORS = {error.__name__: error for error in (LockedOutError, NotOverError, OpenError, SilentError)}
# Where ~ what the shipped build has there ~ what the broken one has ~ what that breaks.
BUILDS = """
wanted ~ found.retired(now, retire_after) else ~ values.get(PENDING) else ~ NotOver
wanted ~ PENDING if found.retired(now, retire_after) else PREVIOUS ~ PENDING ~ LockedOut
versions ~ since is not None and now >= since + ~ since is None or now >= since + ~ LockedOut
versions ~ if pair == self._pair else None ~ ~ LockedOut
versions ~ now >= since + retire_after ~ now >= since ~ LockedOut
versions ~ now >= since + retire_after ~ now < since ~ NotOver
steps ~ view.prove(token) ~ ~ LockedOut
convergence ~ describe().members) ~ describe().members)[:1] ~ LockedOut
convergence ~ if None in self.nodes.values(): ~ if False: ~ LockedOut
convergence ~ replace_passwords(view.wanted, ~ replace_passwords(view.wanted[:1], ~ NotOver
convergence ~ [not taken for taken in view.taken(token)] ~ [False] ~ NotOver
convergence ~ if any(nodes): ~ if all(nodes): ~ NotOver
convergence ~ if too_many and ~ if False and ~ NotOver
convergence ~ faults = dict( ~ faults = user.kind == PASSWORD and dict( ~ Open
convergence ~ sent <= view.now < sent + pause ~ True ~ Open
user ~ {"NoPasswordRequired": False} if close else {} ~ {} ~ Open
reconciler ~ tools.secret.move(PENDING, origin=pending, to=None) ~ ~ NotOver
reconciler ~ written |= found.since(tools.clock()) ~ pass ~ NotOver
reconciler ~ float(not (view.wanted and all(accepted))) ~ 0.0 ~ Silent
reconciler ~ ["LoginWithoutPassword"] = 1.0 ~ ["LoginWithoutPassword"] = 0.0 ~ Silent
"""


@pytest.mark.slow
@pytest.mark.plan("2.3")
@pytest.mark.parametrize("build", BUILDS.strip().splitlines())
def test_a_broken_build_is_found(build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, right, wrong, error = (part.strip() for part in build.split("~"))
    _break(MODULES[name], right, wrong, monkeypatch)
    with pytest.raises(ERRORS[f"{error}Error"]):
        _prove()


def _prove() -> None:
    """Raises what an invariant that is broken raises, at the fewest actions that show it."""
    late = made()
    act("a node that is late with the next change")(late)
    for actions in (0, 1):
        for world in (made(), late.another()):
            search(Line.of(world, rotating=True), actions)


def _break(module: ModuleType, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the module anew with one change, and put its parts wherever the old ones are."""
    source = inspect.getsource(module)
    assert right in source, f"{right!r} is not in {module.__name__}"
    broken = ModuleType(module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, broken)  # dataclasses look themselves up
    exec(compile(source.replace(right, wrong), module.__name__, "exec"), vars(broken))  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    ours = ("rotation.", "shared.", "tests.lambda_rotation")
    users = [used for name, used in sys.modules.items() if name.startswith(ours)]
    for name, part in list(vars(module).items()):
        if getattr(part, "__module__", None) == module.__name__:
            for used in (one for one in users if vars(one).get(name) is part):
                monkeypatch.setattr(used, name, getattr(broken, name))


def made(*a):
    return World.rotated_before(quick=True)
