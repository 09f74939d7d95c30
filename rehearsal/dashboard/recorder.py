"""The recording, as steps of a rehearsal: load on real nodes, and what CloudWatch answers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aws_rules.recording import Act, Recording, document
from emulator.clean_environment import run_command
from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import MINUTE, Clock, Evaluator
from emulator.cloudwatch.publisher import NAMESPACE, Publisher, newest
from emulator.nodes.waiting import wait_until
from rehearsal.alarms.loads import Connections, Keys, Load, Site, WrongLogins
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step
from rehearsal.dashboard.answers import answers
from rehearsal.dashboard.users import Users

_COMMIT = ["git", "describe", "--always", "--dirty", "--exclude=*"]
MINUTES = 60
SPEED = 0.5  # of our seconds that one CloudWatch minute lasts at least
PEAK = 150  # requests a minute
_PATIENCE = 240  # seconds

Begin = Callable[[], Load]


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
        self._clock: Clock

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
        evaluator = Evaluator(cloudwatch)
        # The first reading would count everything since the nodes began.
        rehearsal.ask("metrics")
        self._clock = Clock(self._speed, after=newest(cloudwatch, group["MemberClusters"][0]))
        plan = self._plan(rehearsal)
        self._acts = [act for act, _ in plan]
        running: list[tuple[Act, Load]] = []
        try:
            for minute in range(self._minutes):
                running = self._change(minute, plan, running)
                for _, load in running:
                    load.minute()
                publisher.publish(self._clock.minute)
                self._clock.tick()
                self._note(minute, evaluator.evaluate(self._clock.minute))
        finally:
            for _, load in running:
                load.end()
        self._keep_what_nodes_publish(evaluator)
        return f"{self._minutes} minutes, {len(self._acts)} acts, {len(self._spoke)} alarms fired"

    def write(self, rehearsal: Rehearsal) -> str:
        """Ask CloudWatch what the deployed dashboard would ask it, and write the file."""
        began = self._clock.minute - self._minutes * MINUTE
        series = answers(rehearsal.aws("cloudwatch"), began, self._clock.minute)
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

    def _plan(self, rehearsal: Rehearsal) -> list[tuple[Act, Begin]]:
        shard = described(rehearsal)["NodeGroups"][0]
        end = shard["PrimaryEndpoint"]
        site = Site(end["Address"], int(end["Port"]), rehearsal.authority, token(rehearsal))
        path = f"/vibewell/{rehearsal.checkout.name}/redis"

        def act(start: float, stop: float, words: str) -> Act:
            return Act(round(start * self._minutes), round(stop * self._minutes), words)

        users = act(0.0, 1.0, f"users of the limiter, up to {PEAK} requests a minute")
        plan: list[tuple[Act, Begin]] = [
            (users, partial(Users, rehearsal, path, minutes=self._minutes, peak=PEAK)),
            (
                act(0.15, 0.35, "300 more connections over TLS"),
                partial(Connections, site, count=300),
            ),
            (act(0.55, 0.75, "keys fill 80 % of the memory"), partial(Keys, site, share=0.8)),
            (
                act(0.85, 0.95, "12 logins a minute with a wrong token"),
                partial(WrongLogins, site, logins=12),
            ),
        ]
        if shard["NodeGroupMembers"][1:]:
            failover = act(0.45, 0.45, "a replica takes over from the primary")
            plan.append((failover, partial(Failover, rehearsal)))
        return sorted(plan, key=lambda one: one[0].start)

    @staticmethod
    def _change(
        minute: int, plan: list[tuple[Act, Begin]], running: list[tuple[Act, Load]]
    ) -> list[tuple[Act, Load]]:
        for act, load in running:
            if act.end <= minute:
                load.end()
        going = [(act, load) for act, load in running if act.end > minute]
        return going + [(act, begin()) for act, begin in plan if act.start == minute]

    def _note(self, minute: int, states: dict[str, State]) -> None:
        for name, state in states.items():
            if state is State.ALARM and self._states.get(name) is not State.ALARM:
                self._spoke.setdefault(name, minute)
        self._states = states

    def _keep_what_nodes_publish(self, evaluator: Evaluator) -> None:
        """Our functions do not run in the meantime, so alarms on what they publish mean nothing."""
        ours = {
            alarm.name
            for alarm in evaluator.alarms()
            if {stat.namespace for stat in alarm.stats.values()} == {NAMESPACE}
        }
        self._states = {name: state for name, state in self._states.items() if name in ours}
        self._spoke = {name: minute for name, minute in self._spoke.items() if name in ours}


class Failover:
    """A failover by ElastiCache's own call; there is nothing to do each minute."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        group = described(rehearsal)
        rehearsal.aws("elasticache").test_failover(
            ReplicationGroupId=group["ReplicationGroupId"],
            NodeGroupId=group["NodeGroups"][0]["NodeGroupId"],
        )
        wait_until(
            lambda: described(rehearsal)["Status"] == "available" or None,
            seconds=_PATIENCE,
            what="the group at rest after its failover",
        )

    def minute(self) -> None:
        """It is over as soon as it has begun."""

    def end(self) -> None:
        """The replica stays the primary."""
