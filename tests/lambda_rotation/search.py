"""A systematic search: every way in which a few foreign actions fall into a rotation.

A state is a world between two invocations. From each, the next invocation is run without an action,
and with each action before each call that can see it and after the last, as long as actions are
left. A state that was met before with as many left is not gone through again; times are relative,
and no call takes any, so that many are the same.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from rotation.convergence import PAUSE
from rotation.reconciler import PATIENCE
from tests.lambda_rotation.actions import ACTIONS, act
from tests.lambda_rotation.model.elasticache import Passwords
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, STEPS, Action, NotOverError, World

TRIES = 2  # of Secrets Manager, with one version
RETRY = 5 * 60
# Beyond these a tag's age makes no difference.
AGES = {
    "redis-token:current-since": RETIRE_AFTER,
    "redis-token:unfinished-since": int(PATIENCE.total_seconds()),
    "redis-token:sent": int(PAUSE.total_seconds()),
}

Plan = dict[int, tuple[str, ...]]  # the names of actions, by the number of a call


class NothingHappened(BaseException):  # noqa: N818 - no fault, and nobody else's to catch
    """The action is none in this state, or a service refused it."""


@dataclass
class Line:
    """A world and what is to come in it: Secrets Manager's steps, and our schedule's next pass."""

    world: World
    next_pass: int
    version: str | None = None
    step: int = 0
    tries: int = 0
    next_try: int = 0
    rotations: int = 0
    ran: int = 0
    told: tuple[str, ...] = ()

    @classmethod
    def of(cls, world: World, *, rotating: bool) -> "Line":
        """The beginning; ``rotating``: Secrets Manager begins a rotation first."""
        world.seconds_a_call = 0
        line = cls(world, world.now + PASS, rotations=world.rotations)
        if rotating:
            world.rotate_secret()
            line.begin()
        return line

    def run(self, plan: Plan) -> "Line":
        """The line after its next invocation, in which this happens."""
        line = replace(self, world=self.world.copy(), ran=self.ran + 1)
        world = line.world
        happens = {index: _all(names) for index, names in plan.items()}
        if plan:
            line.told = (*self.told, f"invocation {self.ran}: {plan}")
        try:
            if line.version and line.next_try <= line.next_pass:
                world.pass_by(max(0, line.next_try - world.now))
                line.stepped(world.step(STEPS[line.step], line.version, happens))
            else:
                world.pass_by(max(0, line.next_pass - world.now))
                line.next_pass = world.now + PASS
                world.reconcile(happens)
        except AssertionError as broken:
            broken.add_note("\n".join([*line.told, f"noticed in invocation {self.ran}"]))
            raise
        if world.rotations > line.rotations:
            line.begin()
        return line

    def to_rest(self) -> Iterator["Line"]:
        """The lines that follow when nothing happens any more, this one first."""
        line = self
        seen = set()
        while not line.world.over or line.version:
            yield line
            if line.key in seen:
                raise NotOverError("passes go round without coming to rest")
            seen.add(line.key)
            line = line.run({})

    @property
    def at_once(self) -> bool:
        """The next invocation comes without any time between."""
        return self.version is not None and self.next_try <= self.world.now

    def begin(self) -> None:
        """Secrets Manager takes up the newest rotation."""
        self.rotations, self.version = self.world.rotations, self.world.secret.labels.get(PENDING)
        self.step, self.tries, self.next_try = 0, TRIES, self.world.now

    def stepped(self, stopped: str | None) -> None:
        """Secrets Manager goes on, or begins again later."""
        self.step += 1
        if stopped:
            self.step, self.tries, self.next_try = 0, self.tries - 1, self.world.now + RETRY
        if self.step == len(STEPS):
            self.world.clean_up(str(self.version))
        if self.step == len(STEPS) or not self.tries:
            self.version, self.step = None, 0

    @cached_property
    def key(self) -> int:
        """The same for lines that go on in the same way; ids and tokens count as first met."""
        world, secret, cache = self.world, self.world.secret, self.world.cache
        seen: dict[str | None, int] = {None: -2, "-": -1}

        def one(text: str | None) -> int:
            return seen.setdefault(text, len(seen))

        def known(passwords: Passwords) -> tuple[object, ...]:
            return passwords.open, tuple(map(one, passwords.tokens))

        def ahead(time: int) -> int:
            return max(0, time - world.now)

        def tag(text: str, most: int) -> list[object]:
            words = text.split(" ")
            time = next(word for word in words if ":" in word)
            age = world.clock() - datetime.fromisoformat(time)
            others = [word if word.isdecimal() else one(word) for word in words if word != time]
            return [min(int(age.total_seconds()), most), *others]

        state = (
            tuple(one(secret.labels.get(label)) for label in (CURRENT, PREVIOUS, PENDING)),
            frozenset((one(version), one(held.value)) for version, held in secret.versions.items()),
            [tag(secret.tags[key], most) for key, most in AGES.items() if key in secret.tags],
            sorted(secret.tags),
            (known(cache.user), cache.shown, ahead(cache.active_from), ahead(cache.busy_until)),
            [
                (
                    known(node.has),
                    [(ahead(time), known(passwords)) for time, passwords in node.coming],
                    (ahead(node.silent_until), node.late),
                )
                for node in cache.nodes.values()
            ],
            sorted((one(token), world.now - time) for token, time in world.read.items()),
            sorted(
                (ahead(e.until), e.all_but, e.open, sorted(map(one, sorted(e.tokens))))
                for e in world.excuses
                if e.until > world.now
            ),
            world.late,
            (one(self.version), self.step, self.tries) if self.version else None,
            (ahead(self.next_pass), ahead(self.next_try) if self.version else 0),
        )
        return hash(str(state))


@dataclass
class Found:
    """How much was gone through."""

    states: int = 0
    invocations: int = 0


def search(first: Line, actions: int) -> Found:
    """Go through everything that follows with so many actions.

    Raises what the world raises, and NotOverError where passes alone do not lead to rest; the
    error's notes say what happened.
    """
    found = Found()
    left: dict[int, int] = {}  # the most actions that a state was met with
    following: dict[int, int] = {}  # the state after it, if nothing happens
    told: dict[int, tuple[str, ...]] = {}
    at_rest: set[int] = set()
    lines = [(first, actions)]
    while lines:
        line, budget = lines.pop()
        if left.get(line.key, -1) >= budget:
            continue
        left[line.key] = budget
        if line.world.over:
            at_rest.add(line.key)
        for after, used in _ways(line, budget):
            found.invocations += 1
            lines.append((after, budget - used))
            if not used:
                following[line.key], told[line.key] = after.key, line.told
    _expect_rest(following, at_rest, told)
    found.states = len(left)
    return found


def _ways(line: Line, budget: int) -> Iterator[tuple[Line, int]]:
    after = line.run({})
    yield after, 0
    yield from _with_actions(line, {}, 0, after, budget, 1)


def _with_actions(
    line: Line, plan: Plan, first: int, without: Line, budget: int, used: int
) -> Iterator[tuple[Line, int]]:
    """One action more than ``plan`` has, which leads to ``without``."""
    if used > budget:
        return
    trace = without.world.trace
    # After the last call is before the first of the next invocation, if that comes at once.
    last = len(trace) if without.at_once else len(trace) + 1
    for index in range(first, last):
        for name, (_, seen_by) in ACTIONS.items():
            if index < len(trace) and trace[index] not in seen_by:
                continue
            more = plan | {index: (*plan.get(index, ()), name)}
            with suppress(NothingHappened):
                after = line.run(more)
                yield after, used
                yield from _with_actions(line, more, index, after, budget, used + 1)


def _expect_rest(
    following: dict[int, int], at_rest: set[int], told: dict[int, tuple[str, ...]]
) -> None:
    """From each state, what follows without an action comes to rest."""
    good = set(at_rest)
    for start in following:
        way: dict[int, None] = {}
        key = start
        while key not in good:
            if key in way:
                problem = NotOverError("passes go round without coming to rest")
                problem.add_note("\n".join(told[start]))
                raise problem
            way[key] = None
            key = following[key]
        good.update(way)


def _all(names: tuple[str, ...]) -> Action:
    def happen(world: World) -> None:
        for name in names:
            before = world.secret.copy(), world.cache.copy()
            act(name)(world)
            if before == (world.secret, world.cache):
                raise NothingHappened

    return happen
