"""The steps of the alarms scenario, in their order."""

from collections.abc import Container, Iterable, Mapping

from aws_rules.metric_math import Missing
from emulator.cloudwatch.evaluation import State
from environments.load import load
from rehearsal.alarms.context import Context
from rehearsal.alarms.table import Drive, Values, drives
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step

MINUTE = 0.05  # of our seconds that one CloudWatch minute lasts
_OWN_LIMIT = 150  # minutes: what our functions publish is alarmed in periods of 15 to 30
_HELD = 6  # minutes that a figure within its threshold is held: longer than most alarms need


class AlarmScenario:
    """Its methods are steps of a rehearsal; each returns what it found in a few words."""

    def __init__(self, names: Container[str] | None = None, *, minute: float = MINUTE) -> None:
        """`names` can be fewer than all: then only those alarms are looked at."""
        self._names = names
        self._minute = minute

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
        checkout = rehearsal.checkout
        settings = load(checkout.name, checkout.folder / "environments")
        if settings.redis.cluster_mode:
            raise RehearsalError("the scenario is of a group without cluster mode")
        found, names = drives(settings), self._names
        self._drives = tuple(one for one in found if names is None or one.name in names)
        self._nodes = tuple(drive for drive in self._drives if not drive.own)
        self._own = tuple(drive for drive in self._drives if drive.own)
        self._context = Context(rehearsal, self._drives, self._minute)
        strangers = self._context.strangers()
        if strangers and names is None:
            raise RehearsalError(
                f"nothing drives {', '.join(strangers)}: add it to rehearsal/alarms/table.py"
            )
        self._publish_own(within=True)
        self._context.until({}, "nothing is wrong")
        return self._context.clock.speed

    def loads(self, _rehearsal: Rehearsal) -> str:
        """Real loads, one after the other."""
        driven = [(drive.name, drive.real) for drive in self._drives if drive.real]
        for name, real in driven:
            with self._context.load(real.load):
                self._context.until({name: State.ALARM}, real.words, real.also - {name})
            self._context.until({}, f"the load is over: {real.words}")
        return f"{len(driven)} alarms"

    def each_node(self, _rehearsal: Rehearsal) -> str:
        """Figures just beyond the thresholds, published by one node alone; then within."""
        warnings = [drive for drive in self._nodes if not drive.critical]
        criticals = [drive for drive in self._nodes if drive.critical and drive.beyond]
        for member in self._context.members:
            # Of two alarms on one metric the warning fires alone, then both.
            self._publish(member, _merged(drive.beyond[0] for drive in warnings))
            spoken = self._alarm(warnings, f"{member} publishes what is beyond the warnings")
            self._publish(member, _merged(drive.within[0] for drive in criticals))
            self._context.hold(_HELD, spoken, f"{member} publishes the critical thresholds")
            self._publish(member, _merged(drive.beyond[0] for drive in criticals))
            self._alarm(
                [*warnings, *criticals], f"{member} publishes what is beyond the thresholds"
            )
            self._within(warnings, member)
            others = [drive for drive in self._nodes if len(drive.beyond) > 1]
            if others:
                self._publish(member, _merged(drive.beyond[1] for drive in others))
                self._alarm(others, f"{member} publishes the other metric of the alarm")
            self._context.publisher.instead.clear()
            self._context.until({}, f"{member} publishes what it reads again")
        return f"{len(self._context.members)} nodes, one after the other"

    def own_state(self, _rehearsal: Rehearsal) -> str:
        """What functions publish, or AWS of them: beyond the thresholds, within, and nothing."""
        if not self._own:
            return "none"
        beyond = {drive.name: State.ALARM for drive in self._own}
        self._publish_own(within=False)
        self._own_until(beyond, "our functions publish what is beyond the thresholds")
        self._publish_own(within=True)
        self._own_until({}, "our functions publish no more than the thresholds allow")
        self._context.publisher.own.clear()
        silent = {drive.name: drive.silent for drive in self._own}
        self._own_until(silent, "our functions publish nothing")
        self._publish_own(within=True)
        self._own_until({}, "our functions publish again")
        return f"{len(self._own)} alarms"

    def _own_until(self, wanted: Mapping[str, State], why: str) -> None:
        self._context.until(wanted, why, limit=_OWN_LIMIT)

    def one_node_silent(self, _rehearsal: Rehearsal) -> str:
        """A node publishes nothing: it is noticed whichever it is, however its points are read."""
        silent = [d for d in self._nodes if d.silent is State.ALARM]
        for reading in Missing:
            for member in self._context.members:
                with self._context.reading(reading):
                    self._context.publisher.silent = {member}
                    why = f"{member} publishes nothing (a missing value is {reading.value})"
                    self._alarm(silent, why)
                    self._context.publisher.silent = set()
                    self._context.until({}, f"{member} publishes again")
        return f"{len(self._context.members)} nodes, and each reading of missing values"

    def all_silent(self, _rehearsal: Rehearsal) -> str:
        """No node publishes, from OK and from ALARM: each alarm settles as the plan intends."""
        silent = {drive.name: drive.silent for drive in self._nodes}
        for before in State.OK, State.ALARM:
            if before is State.ALARM:
                member = self._context.members[0]
                self._publish(member, _merged(d.beyond[0] for d in self._nodes if d.beyond))
                self._alarm([d for d in self._nodes if d.beyond], "every figure is beyond")
            self._context.publisher.silent = set(self._context.members)
            self._context.until(silent, f"no node publishes anything, from {before}")
            self._context.hold(_HELD, silent, f"no node publishes anything, from {before}")
            self._context.publisher.silent = set()
            self._context.publisher.instead.clear()
            self._context.until({}, "all nodes publish again")
        return "from OK and from ALARM, each settles as its table says"

    def report(self, _rehearsal: Rehearsal) -> str:
        """How many, and on whose time it all went."""
        clock, took = self._context.clock, self._context.took
        slowest = max(took, key=lambda name: took[name])
        return (
            f"{self._context.messages} of {len(took)} alarms, on CloudWatch's clock of "
            f"{clock.minutes} minutes; {slowest} fired last, after {took[slowest]}. {clock.speed}"
        )

    def _publish_own(self, *, within: bool) -> None:
        values = _merged((d.within if within else d.beyond)[0] for d in self._own)
        self._context.publisher.own = dict(values)

    def _publish(self, member: str, values: Values) -> None:
        for metric, value in values.items():
            self._context.publisher.instead[member, metric] = value

    def _alarm(self, drives: Iterable[Drive], why: str) -> Mapping[str, State]:
        wanted = {drive.name: State.ALARM for drive in drives}
        self._context.until(wanted, why)
        return wanted

    def _within(self, drives: list[Drive], member: str) -> None:
        for number in range(max((len(drive.within) for drive in drives), default=0)):
            self._context.publisher.instead.clear()
            values = _merged(drive.within[number] for drive in drives if len(drive.within) > number)
            self._publish(member, values)
            why = f"{member} publishes no more than the thresholds allow"
            self._context.until({}, why)
            self._context.hold(_HELD, {}, why)


def _merged(values: Iterable[Values]) -> Values:
    return {metric: value for one in values for metric, value in one.items()}
