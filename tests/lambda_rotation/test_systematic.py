"""All ways in which a few foreign actions fall into a rotation, at any call of the function.

How many faults of the functions they notice is measured: tests/mutations.md.
"""

import inspect
import sys
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
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

pytestmark = pytest.mark.plan("2.3")

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
    """Compile the module again with one change, and put its parts wherever the old ones are."""
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


Choice = tuple[bool, ...]
# Every pair of answers to AWS's open questions together at least once, and all of them.
PAIRS = [tuple(choice) for choice in AllPairs([(False, True)] * 8)]
ALL = [tuple(bool(number >> bit & 1) for bit in range(8)) for number in range(256)]


def made(choice: Choice = (), *, shards: int = 1) -> World:
    return World.rotated_before(Promises(*choice), quick=True, shards=shards)


def after(action: str) -> Line:
    world = made()
    act(action)(world)
    return Line.of(world, rotating=True)


BEGINNINGS: dict[str, Callable[[], Line]] = {
    "in a rotation": lambda: Line.of(made(), rotating=True),
    "given up": lambda: replace(Line.of(made(), rotating=True), version=None),
    "at rest": lambda: Line.of(made(), rotating=False),
    "in the first rotation": lambda: Line.of(World(quick=True), rotating=True),
    "with a node that is late": lambda: after("a node that is late with the next change"),
    "after a change": lambda: after("the user's passwords replaced by a person"),
    "on three shards": lambda: Line.of(made(shards=3), rotating=True),
}


def go_through(counted: Counter[str], actions: int, what: str, line: Line) -> None:
    states, invocations = search(line, actions)
    counted[f"states with at most {actions} foreign actions {what}"] += states
    counted[f"invocations with at most {actions} foreign actions {what}"] += invocations


# Secrets Manager calls until the nodes are ready, never calls, or rotates for the first time.
@pytest.mark.parametrize("what", ["in a rotation", "given up", "in the first rotation"])
def test_a_rotation_killed_at_any_call_locks_nobody_out_and_ends(
    what: str, counted: Counter[str]
) -> None:
    for line in BEGINNINGS[what]().to_rest():
        for index in range(len(line.run({}).world.trace) + 1):
            counted["interruption points (before and after every call of AWS and Redis)"] += 1
            killed = line.run({index: ("the process killed",)})
            deque(killed.to_rest(), maxlen=0)  # raises what the world raises


@pytest.mark.parametrize("what", BEGINNINGS)
def test_one_foreign_action(what: str, counted: Counter[str]) -> None:
    go_through(counted, 1, what, BEGINNINGS[what]())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_two_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 2, what, BEGINNINGS[what]())


@pytest.mark.slow
@pytest.mark.parametrize("choice", PAIRS)
def test_one_foreign_action_whatever_aws_does_where_it_promises_nothing(
    choice: Choice, counted: Counter[str]
) -> None:
    line = Line.of(made(choice), rotating=True)
    go_through(counted, 1, "and AWS's open questions in pairs", line)


@pytest.mark.long
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_three_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 3, what, BEGINNINGS[what]())


@pytest.mark.long
@pytest.mark.parametrize("actions", [1, 2])
def test_more_of_them_whatever_aws_does_where_it_promises_nothing(
    actions: int, counted: Counter[str]
) -> None:
    for choice in ALL if actions == 1 else PAIRS:
        line = Line.of(made(choice), rotating=True)
        go_through(counted, actions, "and AWS's open questions", line)
