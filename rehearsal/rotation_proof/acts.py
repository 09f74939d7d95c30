"""The acts of the proof, in their order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from rehearsal.rotation_proof import redeploy
from rehearsal.rotation_proof.crowd import Crowd
from rehearsal.rotation_proof.emitted import Emitted
from rehearsal.rotation_proof.function import Function, Times
from rehearsal.rotation_proof.report import table
from rehearsal.rotation_proof.secret import Secret
from rehearsal.rotation_proof.turn import Turn
from rehearsal.steps import Step

Act = Callable[[Rehearsal], str]


@dataclass(frozen=True)
class Plan:
    """How long a proof is, in rotations, and what is deployed after which of them."""

    rotations: int
    clients: int
    times: Times
    deployments: dict[int, Step] = field(default_factory=dict)


LONG = Plan(
    rotations=10,
    clients=20,
    times=Times(client_cache=1, retire_after=3),
    deployments={
        3: ("cdk deploy, nothing changed", redeploy.unchanged),
        6: ("cdk deploy, one property changed", redeploy.changed),
    },
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
            acts.append((f"rotation {number} of {self._plan.rotations}", self._rotate))
            if number in self._plan.deployments:
                label, act = self._plan.deployments[number]
                acts.append((f"rotation: {label}", self._deployment(act)))
        acts += [
            ("rotation: the clients end", self._end),
            ("rotation: no token in anything emitted", self._search),
        ]
        return tuple(acts)

    def _compress(self, rehearsal: Rehearsal) -> str:
        self._secret = Secret(rehearsal)
        self._function = Function(rehearsal, self._secret.arn)
        self._emitted = Emitted(rehearsal)
        self._turn = Turn(rehearsal, self._secret, self._function)
        before, after = self._function.times, self._plan.times
        self._function.compress(after)
        return (
            f"clients cache the secret {before.client_cache} s -> {after.client_cache} s, the old "
            f"token lives {before.retire_after // 3600} h -> {after.retire_after} s"
        )

    def _begin(self, rehearsal: Rehearsal) -> str:
        crowd = Crowd(rehearsal, self._secret.arn, self._plan.clients, self._client_cache)
        self._crowd = self._context.enter_context(crowd)
        return "over TLS, with pools; every other one lives by its cache alone"

    def _rotate(self, _rehearsal: Rehearsal) -> str:
        self._seconds.append(self._turn())
        self._emitted.keep_processes()
        return f"AWSCURRENT moved after {self._seconds[-1]:.1f} s; the old token is refused"

    def _deployment(self, act: Act) -> Act:
        def deploy(rehearsal: Rehearsal) -> str:
            said = act(rehearsal)
            current = self._secret.current()
            self._turn.expect_accepted(current, True, "AWSCURRENT's token after a deployment")
            return said

        return deploy

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
