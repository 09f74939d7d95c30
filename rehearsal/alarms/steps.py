"""The steps of the alarms scenario, on a compressed clock; what Slack and PagerDuty receive."""

import json
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from aws_rules.metric_math import Missing
from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Clock, Evaluator
from emulator.cloudwatch.publisher import Publisher, newest
from environments.load import load
from rehearsal.alarms.table import Drive, Minute, Values, drives
from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step

# For a message that is on its way. AWS answers each look: one that is kept busy has as many.
_LOOKS = 150
_BETWEEN_LOOKS = 0.02  # seconds


class Delivery(NamedTuple):
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

    def settle(self, names: Container[str]) -> int:
        """Wait until all that is owed has been shown; how many messages that were.

        RehearsalError when something is missing in the end, or when these alarms said something
        more, or somewhere else.
        """
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

    def _shown(self, names: Container[str]) -> Counter[Delivery]:
        found: Counter[Delivery] = Counter()
        for one in self._ask("messages")[self._before :]:
            text = json.loads(one["message"]) if one["shown"] else {}
            if text.get("AlarmName") in names:
                state = text["NewStateValue"]
                found[Delivery(text["AlarmName"], state, one["service"], one["channel"])] += 1
        return found

    def _lost(self, names: Container[str]) -> set[str]:
        failures = self._ask("alarm_failures")[self._failed_before :]
        return {f"{one['alarm']}: {one['why']}" for one in failures if one["alarm"] in names}

    def _difference(self, names: Container[str], shown: Counter[Delivery]) -> str:
        missing = [
            f"{one.alarm} became {one.state}, and {one.service} ({one.channel}) got "
            f"{'no message' if not shown[one] else f'{count} times too few'}"
            for one, count in sorted((self._owed - shown).items())
        ]
        extra = [
            f"{one.alarm} notified {one.service} ({one.channel}) of {one.state}, {count} too often"
            for one, count in sorted((shown - self._owed).items())
        ]
        hidden = {
            f"{one['service']} would not show a message: {one['why_not']}"
            for one in self._ask("messages")[self._before :]
            if not one["shown"]
        }
        return "\n".join([*missing, *extra, *sorted(self._lost(names)), *sorted(hidden)])


MINUTE = 0.05  # of our seconds that one CloudWatch minute lasts
_LIMIT = 30  # CloudWatch minutes that an alarm may take: more than the longest evaluation range
_OWN_LIMIT = 150  # minutes: what our functions publish is alarmed in periods of 15 to 30
_HELD = 6  # minutes that a figure within its threshold is held: longer than most alarms need
_APART = 7200  # seconds of CloudWatch's time: more than the longest evaluation range
_NOTIFIED = (State.ALARM, State.OK)  # states with actions; INSUFFICIENT_DATA has no actions

Wanted = Mapping[str, State]  # of the alarms that are not to be OK


class AlarmScenario:
    """Its methods are steps of a rehearsal; each returns what it found in a few words."""

    def __init__(self, names: Container[str] | None = None) -> None:
        """`names` can be fewer than all: then only those alarms are looked at."""
        self._names = names
        self._load: Minute = lambda: None
        self._messages = 0
        self._took: dict[str, int] = {}  # minutes that each alarm needed to fire first

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in their order."""
        return (
            ("alarms: every one is OK", self.begin),
            ("alarms: under real load", self.loads),
            ("alarms: on each node's own figures", self.each_node),
            ("alarms: on what our functions publish", self.own_state),
            ("alarms: when one node falls silent", self.one_node_silent),
            ("alarms: when all nodes fall silent", self.all_silent),
            ("alarms: messages that arrived", self.report),
        )

    def begin(self, rehearsal: Rehearsal) -> str:
        """The nodes publish, and every alarm is OK."""
        checkout, names = rehearsal.checkout, self._names
        settings = load(checkout.name, checkout.folder / "environments")
        if settings.redis.cluster_mode:
            raise RehearsalError("the scenario is of a group without cluster mode")
        cloudwatch = rehearsal.aws("cloudwatch")
        self._alarms = {alarm.name: alarm for alarm in Evaluator(cloudwatch).alarms()}
        looked_at = [one for one in drives(settings) if names is None or one.name in names]
        self._drives = {self._full_name(drive): drive for drive in looked_at}
        strangers = sorted(self._alarms.keys() - self._drives.keys())
        if strangers and names is None:
            raise RehearsalError(
                f"nothing drives {', '.join(strangers)}: add it to rehearsal/alarms/table.py"
            )
        self._nodes = [drive for drive in looked_at if not drive.own]
        self._own = [drive for drive in looked_at if drive.own]
        self._deployed = Deployed.of(rehearsal)
        self._members: list[str] = self._deployed.group["MemberClusters"]
        # Figures of an earlier scenario on the same nodes must not count in this one.
        self._clock = Clock(MINUTE, after=newest(cloudwatch, self._members[0]) + _APART)
        self._receivers = Receivers(rehearsal)
        self._evaluator = Evaluator(cloudwatch, self._drives)
        # And what `newest` looks at: the next scenario begins after this one's figures.
        stats = [one for name in self._drives for one in self._alarms[name].stats.values()]
        watched = {"CurrConnections", *(stat.name for stat in stats)}
        self._publisher = Publisher(
            cloudwatch,
            lambda: [one for one in rehearsal.ask("metrics") if one["name"] in watched],
            self._deployed.group["ReplicationGroupId"],
        )
        self._states = {name: self._alarms[name].state for name in self._drives}
        self._publish_own(within=True)
        self._until({}, "nothing is wrong")
        return self._clock.speed

    def loads(self, _rehearsal: Rehearsal) -> str:
        """Real loads, one after the other."""
        driven = [(drive.name, drive.real) for drive in self._nodes if drive.real]
        for name, real in driven:
            with real.load(self._deployed) as self._load:
                self._until({name: State.ALARM}, real.words, also=real.also - {name})
            self._load = lambda: None
            self._until({}, f"the load is over: {real.words}")
        return f"{len(driven)} alarms"

    def each_node(self, _rehearsal: Rehearsal) -> str:
        """Figures just beyond the thresholds, published by one node alone; then within."""
        warnings = [drive for drive in self._nodes if not drive.critical]
        criticals = [drive for drive in self._nodes if drive.critical and drive.beyond]
        for member in self._members:
            # Of two alarms on one metric the warning fires alone, then both.
            self._publish(member, _merged(drive.beyond[0] for drive in warnings))
            spoken = self._alarm(warnings, f"{member} publishes what is beyond the warnings")
            self._publish(member, _merged(drive.within[0] for drive in criticals))
            self._hold(spoken, f"{member} publishes the critical thresholds")
            self._publish(member, _merged(drive.beyond[0] for drive in criticals))
            self._alarm(
                [*warnings, *criticals], f"{member} publishes what is beyond the thresholds"
            )
            self._within(warnings, member)
            others = [drive for drive in self._nodes if len(drive.beyond) > 1]
            if others:
                self._publish(member, _merged(drive.beyond[1] for drive in others))
                self._alarm(others, f"{member} publishes the other metric of the alarm")
            self._publisher.instead.clear()
            self._until({}, f"{member} publishes what it reads again")
        return f"{len(self._members)} nodes, one after the other"

    def own_state(self, _rehearsal: Rehearsal) -> str:
        """What functions publish, or AWS of them: beyond the thresholds, within, and nothing."""
        if not self._own:
            return "none"
        beyond = {drive.name: State.ALARM for drive in self._own}
        self._publish_own(within=False)
        why = "our functions publish what is beyond the thresholds"
        self._until(beyond, why, limit=_OWN_LIMIT)
        self._publish_own(within=True)
        why = "our functions publish no more than the thresholds allow"
        self._until({}, why, limit=_OWN_LIMIT)
        self._publisher.own.clear()
        silent = {drive.name: drive.silent for drive in self._own}
        self._until(silent, "our functions publish nothing", limit=_OWN_LIMIT)
        self._publish_own(within=True)
        self._until({}, "our functions publish again", limit=_OWN_LIMIT)
        return f"{len(self._own)} alarms"

    def one_node_silent(self, _rehearsal: Rehearsal) -> str:
        """A node publishes nothing: it is noticed whichever it is, however its points are read."""
        silent = [d for d in self._nodes if d.silent is State.ALARM]
        before = self._evaluator.missing
        for reading in Missing:
            self._evaluator.missing = reading
            for member in self._members:
                self._publisher.silent = {member}
                why = f"{member} publishes nothing (a missing value is {reading.value})"
                self._alarm(silent, why)
                self._publisher.silent = set()
                self._until({}, f"{member} publishes again")
        self._evaluator.missing = before
        return f"{len(self._members)} nodes, and each reading of missing values"

    def all_silent(self, _rehearsal: Rehearsal) -> str:
        """No node publishes, from OK and from ALARM: each alarm settles as the plan intends."""
        silent = {drive.name: drive.silent for drive in self._nodes}
        for before in State.OK, State.ALARM:
            if before is State.ALARM:
                beyond = [drive for drive in self._nodes if drive.beyond]
                self._publish(self._members[0], _merged(drive.beyond[0] for drive in beyond))
                self._alarm(beyond, "every figure is beyond")
            self._publisher.silent = set(self._members)
            self._until(silent, f"no node publishes anything, from {before}")
            self._hold(silent, f"no node publishes anything, from {before}")
            self._publisher.silent = set()
            self._publisher.instead.clear()
            self._until({}, "all nodes publish again")
        return "from OK and from ALARM, each settles as its table says"

    def report(self, _rehearsal: Rehearsal) -> str:
        """How many, and on whose time it all went."""
        slowest = max(self._took, key=lambda name: self._took[name])
        return (
            f"{self._messages} of {len(self._took)} alarms, on CloudWatch's clock of "
            f"{self._clock.minutes} minutes; {slowest} fired last, after {self._took[slowest]}. "
            f"{self._clock.speed}"
        )

    def _full_name(self, drive: Drive) -> str:
        names = [name for name in self._alarms if name.endswith(f"-{drive.name}")]
        if len(names) != 1:
            raise RehearsalError(
                f"rehearsal/alarms/table.py drives {drive.name}, and {len(names)} deployed alarms "
                "end with that name"
            )
        return names[0]

    def _publish_own(self, *, within: bool) -> None:
        values = _merged((d.within if within else d.beyond)[0] for d in self._own)
        self._publisher.own = dict(values)

    def _publish(self, member: str, values: Values) -> None:
        for metric, value in values.items():
            self._publisher.instead[member, metric] = value

    def _alarm(self, drives: Iterable[Drive], why: str) -> Wanted:
        wanted = {drive.name: State.ALARM for drive in drives}
        self._until(wanted, why)
        return wanted

    def _within(self, drives: list[Drive], member: str) -> None:
        for number in range(max((len(drive.within) for drive in drives), default=0)):
            self._publisher.instead.clear()
            values = _merged(drive.within[number] for drive in drives if len(drive.within) > number)
            self._publish(member, values)
            why = f"{member} publishes no more than the thresholds allow"
            self._until({}, why)
            self._hold({}, why)

    def _until(
        self,
        wanted: Wanted,
        why: str,
        *,
        also: Container[str] = frozenset(),
        limit: int = _LIMIT,
    ) -> None:
        """Go on until every alarm is in its state and its messages have arrived.

        The alarms in `also` may be in any state. RehearsalError with `why` when it does not come to
        that in `limit` CloudWatch minutes.
        """
        began = self._clock.minutes
        while wrong := self._wrong(wanted, why, also):
            if self._clock.minutes - began >= limit:
                raise RehearsalError("\n".join(wrong))
            self._pass_minute(began)
        self._messages += self._receivers.settle(self._drives)

    def _hold(self, wanted: Wanted, why: str) -> None:
        """Go on for some minutes, in which every alarm must stay in its state."""
        for _ in range(_HELD):
            self._pass_minute(self._clock.minutes)
            if wrong := self._wrong(wanted, why):
                raise RehearsalError("\n".join(wrong))
        self._messages += self._receivers.settle(self._drives)

    def _pass_minute(self, began: int) -> None:
        """One CloudWatch minute: the load, the nodes' metrics, the evaluation."""
        self._load()
        self._publisher.publish(self._clock.minute)
        self._clock.tick()
        states = self._evaluator.evaluate(self._clock.minute)
        for name, drive in self._drives.items():
            notified = _NOTIFIED if drive.clears else _NOTIFIED[:1]
            if states[name] is not self._states[name] and states[name] in notified:
                self._receivers.owe(name, states[name], drive.services)
            if states[name] is State.ALARM:
                self._took.setdefault(drive.name, self._clock.minutes - began)
            self._states[name] = states[name]

    def _wrong(self, wanted: Wanted, why: str, also: Container[str] = frozenset()) -> list[str]:
        """What to say of each alarm that is in another state than it should be."""
        lines = []
        for name, drive in self._drives.items():
            due, state = wanted.get(drive.name, State.OK), self._states[name]
            if drive.name not in also and state is not due:
                lines.append(f"alarm {name} is {state} and not {due} while {why}")
                lines += [f"  it watches {stat}" for stat in self._alarms[name].stats.values()]
        return lines


def _merged(values: Iterable[Values]) -> Values:
    return {metric: value for one in values for metric, value in one.items()}
