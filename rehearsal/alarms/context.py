"""The deployed alarms on a compressed clock, and what Slack and PagerDuty receive."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from aws_rules.metric_math import Missing
from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Clock, Evaluator
from emulator.cloudwatch.publisher import Publisher, newest
from rehearsal.alarms.table import Drive, Load, Loading
from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

# For a message that is on its way. AWS answers each look: one that is kept busy has as many.
_LOOKS = 150
_BETWEEN_LOOKS = 0.02  # seconds


@dataclass(frozen=True, order=True)
class Delivery:
    """One message of one alarm, at one receiver."""

    alarm: str
    state: str
    service: str
    channel: str


class Receivers:
    """The plan's Slack channel and PagerDuty, and what each of them must show of the alarms."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._ask = rehearsal.ask
        slack = rehearsal.checkout.settings["notifications"]["slack_channel_id"]
        self._channels = {"slack": slack, "pagerduty": "events.pagerduty.com"}
        self._owed: Counter[Delivery] = Counter()
        self._before = len(self._ask("messages"))
        self._failed_before = len(self._ask("alarm_failures"))

    def owe(self, alarm: str, state: State, services: Iterable[str]) -> None:
        """An alarm has changed its state: each of these services must show it once."""
        for service in services:
            self._owed[Delivery(alarm, state.value, service, self._channels[service])] += 1

    def settle(self, alarms: Iterable[str]) -> int:
        """Wait until all that is owed has been shown; how many messages that were.

        RehearsalError when something is missing in the end, or when these alarms said something
        more, or somewhere else.
        """
        names = set(alarms)
        looks = 0
        while (shown := self._shown(names)) != self._owed:
            if looks == _LOOKS or shown - self._owed or self._lost(names):
                raise RehearsalError(self._difference(names, shown))
            looks += 1
            time.sleep(_BETWEEN_LOOKS)
        count = self._owed.total()
        self._owed.clear()
        self._before = len(self._ask("messages"))
        return count

    def _shown(self, names: set[str]) -> Counter[Delivery]:
        found: Counter[Delivery] = Counter()
        for one in self._ask("messages")[self._before :]:
            if one["shown"]:
                text = json.loads(one["message"])
                if text.get("AlarmName") in names:
                    state = text["NewStateValue"]
                    found[Delivery(text["AlarmName"], state, one["service"], one["channel"])] += 1
        return found

    def _lost(self, names: set[str]) -> list[str]:
        failures = self._ask("alarm_failures")[self._failed_before :]
        return sorted(
            {f"{one['alarm']}: {one['why']}" for one in failures if one["alarm"] in names}
        )

    def _hidden(self) -> list[str]:
        hidden = [one for one in self._ask("messages")[self._before :] if not one["shown"]]
        return sorted(
            {f"{one['service']} would not show a message: {one['why_not']}" for one in hidden}
        )

    def _difference(self, names: set[str], shown: Counter[Delivery]) -> str:
        missing = [
            f"{one.alarm} became {one.state}, and {one.service} ({one.channel}) got "
            f"{'no message' if not shown[one] else f'{count} times too few'}"
            for one, count in sorted((self._owed - shown).items())
        ]
        extra = [
            f"{one.alarm} notified {one.service} ({one.channel}) of {one.state}, {count} too often"
            for one, count in sorted((shown - self._owed).items())
        ]
        return "\n".join([*missing, *extra, *self._lost(names), *self._hidden()])


_LIMIT = 30  # CloudWatch minutes that an alarm may take: more than the longest evaluation range
_APART = 7200  # seconds of CloudWatch's time: more than the longest evaluation range
_NOTIFIED = (State.ALARM, State.OK)  # states with actions; INSUFFICIENT_DATA has no actions


class Context:
    """`drives` are the alarms that are looked at, `minute` our seconds of one CloudWatch minute.

    `messages` are counted, `took` says how many minutes each alarm needed to fire first.
    """

    def __init__(self, rehearsal: Rehearsal, drives: tuple[Drive, ...], minute: float) -> None:
        cloudwatch = rehearsal.aws("cloudwatch")
        self._deployed = Deployed.of(rehearsal)
        group = self._deployed.group
        self.members: list[str] = group["MemberClusters"]
        # Figures of an earlier scenario on the same nodes must not count in this one.
        self.clock = Clock(minute, after=newest(cloudwatch, self.members[0]) + _APART)
        self._receivers = Receivers(rehearsal)
        self._loads: list[Load] = []
        self._found = {alarm.name: alarm for alarm in Evaluator(cloudwatch).alarms()}
        self._drives = {self._full_name(drive): drive for drive in drives}
        self.evaluator = Evaluator(cloudwatch, self._drives)
        # And what `newest` looks at: the next scenario begins after this one's figures.
        stats = [one for name in self._drives for one in self._found[name].stats.values()]
        watched = {"CurrConnections", *(stat.name for stat in stats)}
        self.publisher = Publisher(
            cloudwatch,
            lambda: [one for one in rehearsal.ask("metrics") if one["name"] in watched],
            group["ReplicationGroupId"],
        )
        self._states = {name: self._found[name].state for name in self._drives}
        self._since = 0
        self.messages = 0
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
            notified = _NOTIFIED if drive.clears else _NOTIFIED[:1]
            if states[name] is not self._states[name] and states[name] in notified:
                self._receivers.owe(name, states[name], drive.services)
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
        load = loading(self._deployed)
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
        self.messages += self._receivers.settle(self._drives)

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
