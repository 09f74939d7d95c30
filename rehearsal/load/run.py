"""One run: nodes, application, users, two losses, and all that was measured."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator.bare_nodes import started
from emulator.errors import RehearsalError
from rehearsal.load.answer import Key, answers
from rehearsal.load.application import EXAMPLE, PATHS, Instances, instances, settings
from rehearsal.load.context import Stage
from rehearsal.load.generator import generator
from rehearsal.load.kill import lose_primary, lose_replica
from rehearsal.load.order import Order
from rehearsal.load.outcome import Asked, Loss, Outcome
from rehearsal.load.plan import Plan
from rehearsal.load.programs import Program
from rehearsal.load.progress import Progress, Say
from rehearsal.load.records import Reader, Record
from rehearsal.load.sampling import Sampler

_EVERY = 0.25  # seconds between two looks at the records
_READY = 120.0  # seconds
_LATE = 180.0  # seconds that the generator may take to end
_BEFORE = 5.0  # seconds: the client that remembers nothing is started so long before it is asked

Prepare = Callable[[Stage], None]


def run(
    plan: Plan,
    say: Say = print,
    *,
    application: str = EXAMPLE,
    prepare: Prepare = lambda _stage: None,
    progress_every: float = 5.0,
) -> Outcome:
    """Everything that it starts has ended when it returns. Raises RehearsalError, TimeoutError.

    `prepare` may change the nodes before anybody comes, and `application` be another one: so that
    every judgement can be seen to fail.
    """
    with ExitStack() as context:
        folder = Path(context.enter_context(TemporaryDirectory(prefix="loadtest-")))
        nodes = Stage(context.enter_context(started(folder / "nodes")), folder)
        prepare(nodes)
        served = context.enter_context(instances(nodes, plan, application))
        say(f"  {len(nodes.nodes)} nodes and {plan.instances} instances of the application run")
        return _Run(plan, nodes, served, Progress(say, progress_every), context).outcome()


class _Run:
    """Times that are kept are seconds since the generator was started."""

    def __init__(
        self,
        plan: Plan,
        nodes: Stage,
        served: Instances,
        progress: Progress,
        context: ExitStack,
    ) -> None:
        self._plan = plan
        self._nodes = nodes
        self._progress = progress
        self._context = context
        records = nodes.folder / "records"
        self._begin = time.monotonic()
        self._order = Order(plan, self._begin, served.urls, PATHS, str(records))
        self._reader = Reader(records)
        self._records: list[Record] = []
        self._generator = context.enter_context(generator(self._order, nodes.folder))
        programs = {one.name: one.pid for one in (self._generator, *served.programs)}
        programs["the measuring"] = os.getpid()
        self._sampler = context.enter_context(Sampler(self._begin, served.ports, programs, nodes))

    def outcome(self) -> Outcome:
        """The plan, carried out."""
        self._until(self._plan.replica_lost)
        replica = self._tell(lose_replica(self._nodes, self._begin), "a replica")
        self._until(self._plan.primary_lost - _BEFORE)
        stranger = self._stranger()
        self._until(self._plan.primary_lost)
        primary = lose_primary(
            self._nodes, self._begin, self._plan.silence, lambda: stranger.say("go")
        )
        asked = list(_told(stranger))
        self._tell(primary, "the primary")
        self._until(self._plan.end)
        self._generator.wait(_LATE)
        self._records += self._reader.news()
        return Outcome(
            plan=self._plan,
            answers=answers(self._records, self._plan, self._begin),
            samples=[one for one in self._sampler.samples if one.at < self._plan.end],
            replica=replica,
            primary=primary,
            asked=asked,
        )

    def _until(self, due: float) -> None:
        while (now := time.monotonic() - self._begin) < due:
            if self._generator.ends_within(min(_EVERY, due - now)):
                if due < self._plan.end:
                    raise RehearsalError(self._generator.last_words())
                return
            news = list(self._reader.news())
            self._records += news
            self._progress(now, news, self._sampler.samples)

    def _tell(self, loss: Loss, what: str) -> Loss:
        self._progress.event(loss.before, f"{what} is killed: {loss.node}")
        self._progress.event(loss.whole, f"the group is whole again: {loss.node} is back")
        return loss

    def _stranger(self) -> Program:
        variables = settings(self._nodes, self._plan)
        words = ["rehearsal.load.ask", self._order.text()]
        program = self._context.enter_context(
            Program("stranger", words, variables, self._nodes.folder)
        )
        program.say(self._nodes.given.token)
        program.hear(_READY)
        return program


def _told(stranger: Program) -> Iterator[Asked]:
    while line := stranger.hear(_READY):
        told = json.loads(line)
        yield Asked(**told | {"key": Key(*told["key"])})
