"""The deployed alarms on a compressed clock, minute after minute."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aws_rules.metric_math import Missing
from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Clock, Evaluator
from emulator.cloudwatch.publisher import Publisher, newest
from rehearsal.alarms.loads import Load, Loading, Site
from rehearsal.alarms.receiver import Ears
from rehearsal.alarms.table import Drive
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

_LIMIT = 30  # CloudWatch minutes that an alarm may take: more than the longest evaluation range
_APART = 7200  # seconds of CloudWatch's time: more than the longest evaluation range
_SPOKEN = (State.ALARM, State.OK)  # states that are told; INSUFFICIENT_DATA has no actions


class Stage:
    """`drives` are the alarms that are looked at, `minute` our seconds of one CloudWatch minute.

    `told` counts messages, `took` says how many minutes each alarm needed to speak the first time.
    """

    def __init__(self, rehearsal: Rehearsal, drives: tuple[Drive, ...], minute: float) -> None:
        cloudwatch = rehearsal.aws("cloudwatch")
        group = described(rehearsal)
        self.publisher = Publisher(
            cloudwatch, lambda: rehearsal.ask("metrics"), group["ReplicationGroupId"]
        )
        self.evaluator = Evaluator(cloudwatch)
        self.members: list[str] = group["MemberClusters"]
        # Figures of an earlier drill on the same nodes must not count in this one.
        self.clock = Clock(minute, after=newest(cloudwatch, self.members[0]) + _APART)
        endpoint = group["NodeGroups"][0]["PrimaryEndpoint"]
        self._site = Site(
            endpoint["Address"], int(endpoint["Port"]), rehearsal.authority, token(rehearsal)
        )
        self._ears = Ears(
            lambda: rehearsal.ask("messages"),
            lambda: rehearsal.ask("alarm_failures"),
            {
                "slack": rehearsal.checkout.settings["notifications"]["slack_channel_id"],
                "pagerduty": "events.pagerduty.com",
            },
        )
        self._loads: list[Load] = []
        self._found = {alarm.name: alarm for alarm in self.evaluator.alarms()}
        self._full = {drive.name: self._full_name(drive) for drive in drives}
        self._drives = {self._full[drive.name]: drive for drive in drives}
        self._states = {name: self._found[name].state for name in self._drives}
        self._since = 0
        self.told = 0
        self.took: dict[str, int] = {}

    def strangers(self) -> list[str]:
        """Deployed alarms that are not looked at."""
        return sorted(self._found.keys() - self._drives.keys())

    def minute(self) -> None:
        """One CloudWatch minute: the loads, the nodes' metrics, the evaluation."""
        for load in self._loads:
            load.minute()
        self.publisher.publish(self.clock.minute)
        self.clock.tick()
        states = self.evaluator.evaluate(self.clock.minute)
        for name, drive in self._drives.items():
            told = _SPOKEN if drive.clears else _SPOKEN[:1]
            if states[name] is not self._states[name] and states[name] in told:
                self._ears.owe(name, states[name], drive.services)
            if states[name] is State.ALARM:
                self.took.setdefault(drive.name, self.clock.minutes - self._since)
            self._states[name] = states[name]

    def until(
        self,
        wanted: Mapping[str, State],
        why: str,
        also: frozenset[str] = frozenset(),
        limit: int = _LIMIT,
    ) -> None:
        """Go on until every alarm is in its state and its messages have arrived.

        `wanted` names the alarms that are not to be OK; those in `also` may be in any state.
        RehearsalError with `why` when it does not come to that in `limit` CloudWatch minutes.
        """
        self._since = self.clock.minutes
        while self._wrong(wanted, also):
            if self.clock.minutes - self._since >= limit:
                raise RehearsalError(self._complaint(wanted, also, why))
            self.minute()
        self._listen()

    def hold(self, minutes: int, wanted: Mapping[str, State], why: str) -> None:
        """Go on for so many minutes, in which every alarm must stay in its state."""
        for _ in range(minutes):
            self.minute()
            if self._wrong(wanted, frozenset()):
                raise RehearsalError(self._complaint(wanted, frozenset(), why))
        self._listen()

    @contextmanager
    def load(self, loading: Loading) -> Iterator[None]:
        """A real load, as long as this lasts."""
        load = loading(self._site)
        self._loads.append(load)
        try:
            yield
        finally:
            self._loads.remove(load)
            load.end()

    @contextmanager
    def reading(self, missing: Missing) -> Iterator[None]:
        """Metric math reads missing values so, as long as this lasts."""
        before, self.evaluator.missing = self.evaluator.missing, missing
        try:
            yield
        finally:
            self.evaluator.missing = before

    def _listen(self) -> None:
        self.told += self._ears.settle(self._drives)

    def _wrong(self, wanted: Mapping[str, State], also: frozenset[str]) -> list[str]:
        return [
            name
            for name, drive in self._drives.items()
            if drive.name not in also and self._states[name] is not self._due(drive, wanted)
        ]

    @staticmethod
    def _due(drive: Drive, wanted: Mapping[str, State]) -> State:
        return wanted.get(drive.name, State.OK)

    def _complaint(self, wanted: Mapping[str, State], also: frozenset[str], why: str) -> str:
        lines = []
        for name in self._wrong(wanted, also):
            due = self._due(self._drives[name], wanted)
            lines.append(f"alarm {name} is {self._states[name]} and not {due} while {why}")
            stats = self._found[name].stats.values()
            lines += [f"  it watches {stat}" for stat in stats]
        return "\n".join(lines)

    def _full_name(self, drive: Drive) -> str:
        names = [name for name in self._found if name.endswith(f"-{drive.name}")]
        if len(names) != 1:
            raise RehearsalError(
                f"rehearsal/alarms/table.py drives {drive.name}, and {len(names)} deployed alarms "
                "end with that name"
            )
        return names[0]
