"""The steps of the rotation scenario, in their order."""

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from emulator.clean_environment import run_command
from rehearsal.common import commands, steps
from rehearsal.common.deployed import Deployed, described_user
from rehearsal.common.errors import RehearsalError, expect
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step
from rehearsal.rotation.function import Rotation, Times
from rehearsal.rotation.load import Clients, Figures
from rehearsal.rotation.manual_changes import CHANGES, Change
from rehearsal.rotation.token_search import TokenSearch

_WIDTH = 42  # columns


def table(clients: int, figures: Figures, turns: Sequence[float]) -> str:
    """One line per figure; `turns` are the seconds from RotateSecret to the move of AWSCURRENT."""
    rows = (
        ("rotations", str(len(turns))),
        ("clients", str(clients)),
        ("commands sent", str(figures.commands)),
        ("commands failed", str(len(figures.failures))),
        ("longest time a command waited", f"{figures.longest * 1000:.0f} ms"),
        ("logins", str(figures.logins)),
        ("logins refused", str(figures.refused)),
        ("RotateSecret to AWSCURRENT moved, median", f"{median(turns):.1f} s"),
        ("RotateSecret to AWSCURRENT moved, longest", f"{max(turns):.1f} s"),
    )
    return "\n".join(f"    {name:<{_WIDTH}} {value:>9}" for name, value in rows)


def only_of_the_user(rehearsal: Rehearsal) -> str:
    """While two tokens live, only a deployment that changes the user is refused."""
    guard = commands.guard(rehearsal)
    commands.printed(rehearsal, guard)
    rehearsal.checkout.set("redis.extra_commands", ["keys"])
    try:
        words = ("the user would be changed", "Try again in")
        said = commands.printed(rehearsal, guard, *words, fails=True)
    finally:
        rehearsal.checkout.set("redis.extra_commands", None)
    return said.strip().rpartition(". ")[2]


def unchanged(rehearsal: Rehearsal) -> str:
    """`cdk deploy` of the template that is deployed."""
    steps.deploy(rehearsal)
    return "no stack changed"


def sends_nothing(step: Step) -> Step:
    """The deployment, which must leave the user as it is: two passwords, if it has two."""
    label, act = step

    def watched(rehearsal: Rehearsal) -> str:
        before = _changes(rehearsal)
        said = act(rehearsal)
        expect(f"changes of the user by {label}", _changes(rehearsal), before)
        return f"{said}, and nothing was sent to the user"

    return label, watched


def _changes(rehearsal: Rehearsal) -> int:
    """How often the user was changed so far, by ElastiCache's events."""
    user = described_user(rehearsal)["UserId"]
    events = rehearsal.aws("elasticache").describe_events(
        SourceType="user", SourceIdentifier=user, Duration=60
    )["Events"]
    return sum("modified" in event["Message"] for event in events)


WHILE_TWO_LIVE = {
    1: ("make deploy of a change of the user", only_of_the_user),
    3: sends_nothing(("cdk deploy, nothing changed", unchanged)),
    6: sends_nothing(("cdk deploy, one property of the group changed", steps.change)),
}


_TESTS = "tests/lambda_rotation/test_systematic.py"
_LONGEST = 300  # seconds
_COUNTED = re.compile(r"^\s*(\d+ interruption points.*)$", re.MULTILINE)


def tried(_rehearsal: Rehearsal) -> str:
    """Run those tests and return their count; RehearsalError when one fails or nothing counts."""
    ran = run_command(
        [sys.executable, "-m", "pytest", "--quiet", "--no-header", "-k", "killed", _TESTS],
        seconds=_LONGEST,
    )
    found = _COUNTED.search(ran.stdout)
    if ran.returncode or found is None:
        raise RehearsalError(f"{_TESTS} fails, or counts nothing\n{ran.stdout[-2000:]}")
    return found[1]


Variant = tuple[str, dict[str, str]]  # what it means, and promises of AWS, in JSON


@dataclass(frozen=True)
class Plan:
    """How long the scenario is, in rotations, and what happens in or after which of them.

    `deployments` are done while two tokens live, AWS is `unkind` in one rotation. After the
    rotations of `foreign` others change the user's passwords.
    """

    rotations: int
    clients: int
    times: Times
    deployments: dict[int, Step] = field(default_factory=dict)
    unkind: dict[int, Variant] = field(default_factory=dict)
    foreign: tuple[int, ...] = ()


SLOW_CHANGE: Variant = ("a change of 20 minutes, here 4 s", {"seconds": "4"})
ONE_BY_ONE: Variant = (
    "nodes that follow one by one after the user is active",
    {"seconds": "3", "active_early": "true", "group_follows": "false"},
)

LONG = Plan(
    rotations=10,
    clients=20,
    times=Times(client_cache=1, retire_after=3),
    deployments=WHILE_TWO_LIVE,
    unkind={2: SLOW_CHANGE, 4: ONE_BY_ONE, 8: ONE_BY_ONE, 9: SLOW_CHANGE},
    foreign=(5,),
)


class RotationScenario:
    """Its steps are those of a rehearsal in which production is deployed.

    `client_cache` is how long the clients really cache the secret, if it is not what the function
    is configured with. `context` ends the clients, whatever happens.
    """

    def __init__(
        self, plan: Plan, context: ExitStack, *, client_cache: float | None = None
    ) -> None:
        self._plan = plan
        self._client_cache = plan.times.client_cache if client_cache is None else client_cache
        self._context = context
        self._seconds: list[float] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """In their order."""
        plan = self._plan
        todo: list[Step] = [
            ("rotation: hours become seconds", self._compress),
            (f"rotation: {plan.clients} clients log in", self._begin),
        ]
        for number in range(1, plan.rotations + 1):
            rotate = partial(self._rotate, number=number)
            todo.append((f"rotation {number} of {plan.rotations}", rotate))
            if number in plan.foreign:
                todo += [(label, partial(self._changed, change=one)) for label, one in CHANGES]
        return (
            *todo,
            ("rotation: the clients end", self._end),
            ("rotation: no token in anything emitted", self._search),
        )

    def _compress(self, rehearsal: Rehearsal) -> str:
        self._emitted = TokenSearch(rehearsal)
        self._rotation = Rotation(rehearsal, self._plan.times)
        return self._rotation.compress()

    def _begin(self, rehearsal: Rehearsal) -> str:
        read, count = self._rotation.current, self._plan.clients
        clients = Clients(Deployed.of(rehearsal), read, clients=count, cache=self._client_cache)
        self._clients = self._context.enter_context(clients)
        return "over TLS, with pools; every other one lives by its cache alone"

    def _rotate(self, rehearsal: Rehearsal, *, number: int) -> str:
        label, promises = self._plan.unkind.get(number, ("", {}))
        step = self._plan.deployments.get(number)
        beside = [label] if label else []

        def deploy() -> None:
            if step is not None:
                beside.append(f"{step[0]}: {step[1](rehearsal)}")

        rehearsal.ask("promise", **promises)
        self._seconds.append(self._rotation.rotate(deploy))
        rehearsal.ask("promise")
        self._emitted.keep_processes()
        said = f"AWSCURRENT moved after {self._seconds[-1]:.1f} s; the old token is refused"
        return "; ".join([said, *beside])

    def _changed(self, _rehearsal: Rehearsal, *, change: Change) -> str:
        return change(self._rotation, self._clients)

    def _end(self, _rehearsal: Rehearsal) -> str:
        figures = self._clients.end()
        figured = table(self._plan.clients, figures, self._seconds)
        self._emitted.keep("the table", figured)
        self._emitted.keep("what failed", str(figures.failures))
        if figures.failures:
            first, failed = figures.failures[0], len(figures.failures)
            raise RehearsalError(f"{failed} commands failed, the first with {first}\n{figured}")
        return f"none of their commands failed\n{figured}"

    def _search(self, _rehearsal: Rehearsal) -> str:
        return self._emitted.search(self._rotation.ever())
