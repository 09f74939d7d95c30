"""The dashboard of an environment, recorded from real nodes under load.

usage: python -m rehearsal.dashboard ENVIRONMENT FILE
"""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path
from typing import Any

from aws_rules.dashboard import metrics_of
from aws_rules.recording import Act, Metric, Recording, document
from emulator.clean_environment import run_command
from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import MINUTE, Clock
from emulator.cloudwatch.publisher import Publisher, newest
from rehearsal.alarms.table import Minute, connections, keys, wrong_logins
from rehearsal.common.deployed import Deployed, application, described
from rehearsal.common.functions import fail_over
from rehearsal.common.minutes import of_nodes
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED, Step
from vibewell_redis.limiter import RateLimiter


def shown(cloudwatch: Any) -> Iterator[Metric]:
    """The metrics of the deployed dashboards."""
    for entry in cloudwatch.list_dashboards()["DashboardEntries"]:
        body = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]
        for widget in json.loads(body)["widgets"]:
            yield from metrics_of(widget)


_DECISION = 30.0  # seconds for one decision: what is looked at is the dashboard, not the speed
_PEOPLE = 200


@contextmanager
def users(rehearsal: Rehearsal, *, minutes: int) -> Iterator[Minute]:
    """Requests of a day: few, then more until the peak in the middle of `minutes`, then fewer."""
    # One after the other, so that no user comes near a limit: a denial needs no Redis.
    people, passed = cycle(range(_PEOPLE)), count()

    def minute() -> None:
        share = math.sin(math.pi * next(passed) / minutes) ** 2
        for _ in range(1 + round(PEAK * share)):
            person = next(people)
            limiter.hit("general", user=f"user-{person}", ip=f"198.51.100.{person}")

    with (
        application(rehearsal) as settings,
        RateLimiter.from_settings(settings, deadline=_DECISION) as limiter,
    ):
        yield minute


@contextmanager
def failover(rehearsal: Rehearsal) -> Iterator[Minute]:
    """A replica takes over from the primary, at once."""
    fail_over(rehearsal)
    yield lambda: None


_COMMIT = ["git", "describe", "--always", "--dirty", "--exclude=*"]
MINUTES = 60
SPEED = 0.5  # of our seconds that one CloudWatch minute lasts at least
PEAK = 150  # requests per minute


class Recorder:
    """Its methods are steps of a rehearsal; ``file`` is written by the last one."""

    def __init__(self, file: Path, *, minutes: int = MINUTES, speed: float = SPEED) -> None:
        """``minutes`` of CloudWatch are recorded, each of ``speed`` seconds of ours or more."""
        self._file = file
        self._minutes = minutes
        self._speed = speed
        self._acts: list[Act] = []
        self._states: dict[str, State] = {}
        self._spoke: dict[str, int] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """Load, then the file."""
        return (
            ("an hour of load on the nodes", self.play),
            ("what the dashboard asks of CloudWatch", self.write),
        )

    def play(self, rehearsal: Rehearsal) -> str:
        """Every act at its time, with a reading of the nodes and of the alarms each minute."""
        cloudwatch = rehearsal.aws("cloudwatch")
        group = described(rehearsal)
        publisher = Publisher(
            cloudwatch, lambda: rehearsal.ask("metrics"), group["ReplicationGroupId"]
        )
        self._evaluator = of_nodes(cloudwatch)
        # The first reading would count everything since the nodes began.
        rehearsal.ask("metrics")
        self._clock = Clock(self._speed, after=newest(cloudwatch, group["MemberClusters"][0]))
        plan = self._plan(rehearsal)
        self._acts = [act for act, _ in plan]
        running: dict[Act, Minute] = {}
        with ExitStack() as begun:
            ends = {act: begun.enter_context(ExitStack()) for act in self._acts}
            for minute in range(self._minutes):
                for act in [one for one in running if one.end <= minute]:
                    ends[act].close()
                    del running[act]
                for act, load in plan:
                    if act.start == minute:
                        running[act] = ends[act].enter_context(load)
                for work in running.values():
                    work()
                publisher.publish(self._clock.minute)
                self._clock.tick()
                self._note(minute, self._evaluator.evaluate(self._clock.minute))
        return f"{self._minutes} minutes, {len(self._acts)} acts, {len(self._spoke)} alarms fired"

    def write(self, rehearsal: Rehearsal) -> str:
        """Ask CloudWatch what the deployed dashboard would ask it, and write the file."""
        began = self._clock.minute - self._minutes * MINUTE
        metrics = [*dict.fromkeys(shown(rehearsal.aws("cloudwatch")))]
        series = self._evaluator.retrieved(metrics, began, self._clock.minute)
        recording = Recording(
            recorded=f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
            commit=run_command(_COMMIT).stdout.strip(),
            clock=f"A minute of CloudWatch's clock lasted {self._speed:g} s or little more, and a "
            "node had a hundredth of its type's memory.",
            began=began,
            minutes=self._minutes,
            acts=self._acts,
            states={name: str(state) for name, state in self._states.items()},
            spoke=self._spoke,
            series=series,
        )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(document(recording)))
        return f"{sum(map(bool, series.values()))} of {len(series)} series have points"

    def _plan(self, rehearsal: Rehearsal) -> list[tuple[Act, AbstractContextManager[Minute]]]:
        deployed = Deployed.of(rehearsal)

        def act(start: float, stop: float, words: str) -> Act:
            return Act(round(start * self._minutes), round(stop * self._minutes), words)

        requests = f"users of the limiter, up to {PEAK} requests per minute"
        logins = "12 logins per minute with a wrong token"
        plan: list[tuple[Act, AbstractContextManager[Minute]]] = [
            (act(0.0, 1.0, requests), users(rehearsal, minutes=self._minutes)),
            (act(0.15, 0.35, "300 more connections over TLS"), connections(deployed, count=300)),
            (act(0.55, 0.75, "keys fill 80 % of the memory"), keys(deployed, share=0.8)),
            (act(0.85, 0.95, logins), wrong_logins(deployed, logins=12)),
        ]
        if len(deployed.nodes) > 1:
            words = "a replica takes over from the primary"
            plan.append((act(0.45, 0.45, words), failover(rehearsal)))
        return sorted(plan, key=lambda one: one[0].start)

    def _note(self, minute: int, states: dict[str, State]) -> None:
        for name, state in states.items():
            if state is State.ALARM and self._states.get(name) is not State.ALARM:
                self._spoke.setdefault(name, minute)
        self._states = states


def main(arguments: list[str]) -> int:
    """0 when it is recorded; the file is written as the last step, or not at all."""
    if len(arguments) != 2:
        sys.exit("usage: python -m rehearsal.dashboard ENVIRONMENT FILE")
    environment, file = arguments
    steps = Recorder(Path(file)).steps
    return perform([*DEPLOYED, *steps], environment=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
