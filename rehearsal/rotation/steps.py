"""The acts of the proof, in their order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from emulator.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step
from rehearsal.rotation import redeploy
from rehearsal.rotation.clients import Crowd
from rehearsal.rotation.emf import Emitted
from rehearsal.rotation.foreign import Foreign
from rehearsal.rotation.function import Function, Times
from rehearsal.rotation.report import table
from rehearsal.rotation.secret import Secret
from rehearsal.rotation.turn import Turn

Act = Callable[[Rehearsal], str]


@dataclass(frozen=True)
class Unkind:
    """Promises of AWS in one rotation, in JSON, and what that means."""

    label: str
    promises: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """How long a proof is, in rotations, and what happens in or after which of them.

    `deployments` are done while two tokens live. After the rotations of `foreign` others change
    the user's passwords.
    """

    rotations: int
    clients: int
    times: Times
    deployments: dict[int, Step] = field(default_factory=dict)
    unkind: dict[int, Unkind] = field(default_factory=dict)
    foreign: tuple[int, ...] = ()


TWENTY_MINUTES = Unkind("a change of 20 minutes, here 4 s", {"seconds": "4"})
ONE_BY_ONE = Unkind(
    "nodes that follow one by one after the user is active",
    {"seconds": "3", "active_early": "true", "group_follows": "false"},
)

LONG = Plan(
    rotations=10,
    clients=20,
    times=Times(client_cache=1, retire_after=3),
    deployments=redeploy.WHILE_TWO_LIVE,
    unkind={2: TWENTY_MINUTES, 4: ONE_BY_ONE, 8: ONE_BY_ONE, 9: TWENTY_MINUTES},
    foreign=(5,),
)


class RotationProof:
    """Its steps are those of a rehearsal in which production is deployed.

    `client_cache` is how long the clients really cache the secret, if it is not what the function
    is told. As a context it ends the clients, whatever happens.
    """

    def __init__(self, plan: Plan, *, client_cache: float | None = None) -> None:
        self._plan = plan
        self._client_cache = plan.times.client_cache if client_cache is None else client_cache
        self._context = ExitStack()
        self._seconds: list[float] = []
        self._emitted: Emitted
        self._secret: Secret
        self._function: Function
        self._turn: Turn
        self._crowd: Crowd
        self._foreign: Foreign

    def __enter__(self) -> Self:
        """The proof itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End the clients."""
        self._context.close()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The acts in their order, what they say kept for the search."""
        acts: list[Step] = [
            ("rotation: hours become seconds", self._compress),
            (f"rotation: {self._plan.clients} clients log in", self._begin),
        ]
        for number in range(1, self._plan.rotations + 1):
            acts.append((f"rotation {number} of {self._plan.rotations}", self._rotation(number)))
            if number in self._plan.foreign:
                acts += [
                    ("rotation: a password is added by hand", lambda _: self._foreign.added()),
                    ("rotation: the token is replaced by hand", lambda _: self._foreign.replaced()),
                    ("rotation: a stack update fails", lambda _: self._foreign.failed_update()),
                ]
        acts += [
            ("rotation: the clients end", self._end),
            ("rotation: no token in anything emitted", self._search),
        ]
        return tuple(acts)

    def _compress(self, rehearsal: Rehearsal) -> str:
        self._secret = Secret(rehearsal)
        self._function = Function(rehearsal, self._secret.arn)
        self._emitted = Emitted(rehearsal)
        self._turn = Turn(rehearsal, self._secret, self._function, self._plan.times)
        before, after = self._function.times, self._plan.times
        self._function.compress(after)
        return (
            f"clients cache the secret {before.client_cache} s -> {after.client_cache} s, the old "
            f"token lives {before.retire_after // 3600} h -> {after.retire_after} s"
        )

    def _begin(self, rehearsal: Rehearsal) -> str:
        crowd = Crowd(rehearsal, self._secret.arn, self._plan.clients, self._client_cache)
        self._crowd = self._context.enter_context(crowd)
        self._foreign = Foreign(rehearsal, self._secret, self._turn, self._crowd)
        return "over TLS, with pools; every other one lives by its cache alone"

    def _rotation(self, number: int) -> Act:
        unkind = self._plan.unkind.get(number, Unkind("", {}))
        step = self._plan.deployments.get(number)

        def rotate(rehearsal: Rehearsal) -> str:
            rehearsal.ask("promise", **unkind.promises)
            beside = [unkind.label] if unkind.label else []
            deploy = None
            if step is not None:
                label, act = step
                deploy = lambda: beside.append(f"{label}: {act(rehearsal)}")  # noqa: E731
            self._seconds.append(self._turn(deploy))
            rehearsal.ask("promise")
            self._emitted.keep_processes()
            said = f"AWSCURRENT moved after {self._seconds[-1]:.1f} s; the old token is refused"
            return "; ".join([said, *beside])

        return rotate

    def _end(self, _rehearsal: Rehearsal) -> str:
        figures = self._crowd.end()
        told = table(self._plan.clients, figures, self._seconds)
        self._emitted.keep("the table", told)
        self._emitted.keep("what failed", str(figures.first_failure))
        if figures.failed:
            raise RehearsalError(
                f"{figures.failed} commands failed, the first with {figures.first_failure}\n{told}"
            )
        return f"none of their commands failed\n{told}"

    def _search(self, _rehearsal: Rehearsal) -> str:
        return self._emitted.search(self._secret.ever())
