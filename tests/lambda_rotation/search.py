"""A systematic search: every way in which a few foreign actions fall into a rotation.

A state is a world between two invocations. From each, the next one is run without an action, and
with each action before each call that can see it and after the last, as long as actions are left. A
state that was met before with as many left is not gone through again: times are relative.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from rotation.convergence import PAUSE
from rotation.reconciler import PATIENCE
from tests.lambda_rotation.actions import ACTIONS, act
from tests.lambda_rotation.model.services import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, STEPS, Action, NotOverError, World

TRIES, RETRY = 2, 5 * 60  # of Secrets Manager, with one version; seconds between
# Beyond these a tag's age makes no difference: tags of the retirement, of patience and of a pause.
AGES = {
    "redis-token:current-since": RETIRE_AFTER,
    "redis-token:unfinished-since": int(PATIENCE.total_seconds()),
    "redis-token:sent": int(PAUSE.total_seconds()),
}

Names = dict[int, tuple[str, ...]]  # of actions, by the number of the call that they are before


class NothingHappened(BaseException):
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

    def begin(self) -> None:
        self.rotations, self.version = self.world.rotations, self.world.secret.labels.get(PENDING)
        self.step, self.tries, self.next_try = 0, TRIES, self.world.now

    def run(self, plan: Names) -> "Line":
        """The line after its next invocation, in which this happens."""
        line = replace(self, world=self.world.another(), ran=self.ran + 1)
        world, happens = line.world, {index: _all(names) for index, names in plan.items()}
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

    def stepped(self, stopped: str | None) -> None:
        """Secrets Manager goes on, or begins again later."""
        self.step += 1
        if stopped:
            self.step, self.tries, self.next_try = 0, self.tries - 1, self.world.now + RETRY
        if self.step == len(STEPS):
            self.world.clean_up(str(self.version))
        if self.step == len(STEPS) or not self.tries:
            self.version, self.step = None, 0

    @property
    def at_once(self) -> bool:
        """The next invocation comes without any time between."""
        return self.version is not None and self.next_try <= self.world.now

    def to_rest(self) -> Iterator["Line"]:
        """The lines that follow when nothing happens any more, this one first."""
        line, seen = self, set()
        while not line.world.over or line.version:
            yield line
            if line.key in seen:
                raise NotOverError("passes go round without coming to rest", *line.told)
            seen.add(line.key)
            line = line.run({})

    @cached_property
    def key(self) -> int:
        """The same for lines that go on in the same way; ids and tokens count as first met."""
        world, secret, cache = self.world, self.world.secret, self.world.cache
        seen: dict[str | None, int] = {None: -2, "-": -1}

        def one(text: str | None) -> int:
            return seen.setdefault(text, len(seen))

        def ahead(time: int) -> int:
            return max(0, time - world.now)

        def tag(text: str, most: int) -> list[object]:
            words = text.split(" ")
            time = next(word for word in words if ":" in word)
            age = world.clock() - datetime.fromisoformat(time)
            others = [word if word.isdecimal() else one(word) for word in words if word != time]
            return [min(int(age.total_seconds()), most), *others]

        state = (
            [one(secret.labels.get(label)) for label in (CURRENT, PREVIOUS, PENDING)],
            [(one(version), one(held.value)) for version, held in secret.versions.items()],
            [
                tag(secret.tags[key], most) if key in secret.tags else 0
                for key, most in AGES.items()
            ],
            [*map(one, cache.user.tokens), cache.user.open, cache.shown],
            [ahead(time) for time in (cache.active_from, cache.busy_until, self.next_pass)],
            [
                [*map(one, node.has.tokens), node.has.open, ahead(node.silent_until), node.late]
                + [(ahead(due), *map(one, one_.tokens), one_.open) for due, one_ in node.coming]
                for node in cache.nodes.values()
            ],
            sorted((one(token), world.now - time) for token, time in world.read.items()),
            sorted(
                (ahead(e.until), e.all_but, e.open, sorted(map(one, sorted(e.tokens, key=str))))
                for e in world.excuses
                if e.until > world.now
            ),
            world.late,
            (one(self.version), self.step, self.tries, ahead(self.next_try))
            if self.version
            else None,
        )
        return hash(str(state))


def search(first: Line, actions: int) -> tuple[int, int]:
    """Go through everything that follows with so many actions; how many states and invocations.

    Raises what the world raises, and NotOverError where passes alone do not lead to rest; both say
    what happened.
    """
    left: dict[int, int] = {}  # the most actions that a state was met with
    following: dict[int, int] = {}  # the state after it, if nothing happens
    told: dict[int, tuple[str, ...]] = {}
    at_rest: set[int] = set()
    lines, invocations = [(first, actions)], 0
    while lines:
        line, budget = lines.pop()
        if left.get(line.key, -1) >= budget:
            continue
        left[line.key] = budget
        if line.world.over:
            at_rest.add(line.key)
        after = line.run({})
        following[line.key], told[line.key] = after.key, line.told
        ways = [(after, budget), *_with_actions(line, {}, 0, after, budget)]
        invocations += len(ways)
        lines += ways
    for start in following:
        way, key = [], start
        while key not in at_rest:
            if key in way:
                raise NotOverError("passes go round without coming to rest", *told[start])
            way.append(key)
            key = following[key]
        at_rest.update(way)
    return len(left), invocations


def _with_actions(
    line: Line, plan: Names, first: int, without: Line, budget: int
) -> Iterator[tuple[Line, int]]:
    """One action more than ``plan`` has, which leads to ``without``, and then one more again."""
    if not budget:
        return
    trace = without.world.trace
    # After the last call is before the first of the next invocation, if that comes at once.
    for index in range(first, len(trace) + (not without.at_once)):
        for name, (_, seen_by) in ACTIONS.items():
            if index < len(trace) and trace[index] not in seen_by:
                continue
            more = plan | {index: (*plan.get(index, ()), name)}
            with suppress(NothingHappened):
                after = line.run(more)
                yield after, budget - 1
                yield from _with_actions(line, more, index, after, budget - 1)


def _all(names: tuple[str, ...]) -> Action:
    def happen(world: World) -> None:
        for name in names:
            before = world.secret.copy(), world.cache.copy()
            act(name)(world)
            if before == (world.secret, world.cache):
                raise NothingHappened

    return happen
