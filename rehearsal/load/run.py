"""One run: nodes, application, users, two losses, and all that was measured."""

import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator.bare_nodes import started
from rehearsal.common.errors import RehearsalError
from rehearsal.common.program import Program
from rehearsal.load.context import Stage, lose_primary, lose_replica
from rehearsal.load.judges import percentile
from rehearsal.load.outcome import Asked, Key, Loss, Outcome, Sample, answers
from rehearsal.load.plan import Order, Plan, Reader, Record
from rehearsal.load.programs import (
    EXAMPLE,
    PATHS,
    Instances,
    instances,
    program,
    settings,
    shared_out,
)
from rehearsal.load.sampling import Sampler

Say = Callable[[str], None]


class Progress:
    """One line every so many seconds, about what came since the last one."""

    def __init__(self, say: Say, every: float) -> None:
        self._say = say
        self._every = every
        self._told = 0.0
        self._new: list[Record] = []
        say("    at      users   req/s   mean     p99   429/s   fallback   redis cmd/s")

    def __call__(self, now: float, news: list[Record], samples: list[Sample]) -> None:
        """Tell, if it is time to."""
        self._new += news
        if now - self._told < self._every or not samples:
            return
        seconds, self._told = now - self._told, now
        taken = sorted((one.received - one.sent) / 1e6 for one in self._new)
        mean = sum(taken) / len(taken) if taken else 0.0
        denied = sum(one.status == 429 for one in self._new)
        fallback = sum(one.source == "fallback" for one in self._new)
        commands = sum(node.commands for node in samples[-1].nodes.values())
        self._say(
            f"  {now:4.0f} s  {samples[-1].connections:7} {len(taken) / seconds:7.0f} "
            f"{mean:6.1f} {percentile(taken, 99) if taken else 0.0:7.1f} ms "
            f"{denied / seconds:5.0f} {fallback:10} {commands:13.0f}"
        )
        self._new = []

    def event(self, now: float, text: str) -> None:
        """Something happened."""
        self._say(f"  {now:4.0f} s  {text}")


_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Longer than any request waits: what was sent is answered and written down.
_STOP = 12  # seconds
_OTHER_FILES = 100


def generator(order: Order, folder: Path) -> Program:
    """Started; it ends by itself when the plan does.

    Raises RehearsalError if this machine lets no process hold as many connections.
    """
    plan = order.plan
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < plan.users + _OTHER_FILES:
        raise RehearsalError(
            f"a process may open {most} files here, and {plan.users} users need "
            f"{plan.users + _OTHER_FILES}: raise the hard limit of ulimit -n"
        )
    words = [
        "locust",
        *("--locustfile", str(_LOCUSTFILE)),
        "--headless",
        *("--host", order.urls[0]),
        *("--users", str(plan.users)),
        *("--spawn-rate", f"{plan.spawn_rate:g}"),
        *("--run-time", f"{plan.end:g}s"),
        *("--stop-timeout", str(_STOP)),
        "--only-summary",
        *("--loglevel", "WARNING"),
        # Refused and failed requests are judged here, not there.
        *("--exit-code-on-error", "0"),
    ]
    return program("generator", words, {"LOAD": order.text()}, folder, shared_out()[1])


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
        self, plan: Plan, nodes: Stage, served: Instances, progress: Progress, context: ExitStack
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
        self._generator.told(_LATE)
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
        stranger = self._context.enter_context(
            program("stranger", words, variables, self._nodes.folder)
        )
        stranger.say(self._nodes.given.token)
        stranger.hear()
        return stranger


def _told(stranger: Program) -> Iterator[Asked]:
    while line := stranger.hear():
        told = json.loads(line)
        yield Asked(**told | {"key": Key(*told["key"])})
