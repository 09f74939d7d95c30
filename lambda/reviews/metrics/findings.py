"""What of a week a person must hear of, in the order in which it matters, and what is only said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reviews.format import amount
from reviews.metrics.alarms import Spoke
from reviews.metrics.week import Compared, Week

LONG_BLIND = timedelta(hours=1)


@dataclass(frozen=True)
class Review:
    """A week of a group: from ``start`` until ``end``; ``prefix`` begins its alarms' names."""

    group_id: str
    prefix: str
    start: datetime
    end: datetime
    measures: Sequence[Compared]
    alarms: Sequence[Spoke]

    @property
    def new(self) -> bool:
        """Whether there is no week yet: no node ever sent anything, and no alarm waited for it.

        Where nodes fell silent the alarm not-reporting was on.
        """
        nobody = all(one.now is one.before is None for one in self.measures if one.measure.of_nodes)
        return nobody and not any(alarm.heard or alarm.blind for alarm in self.alarms)


def findings(review: Review) -> Iterator[str]:
    """A line for each thing that somebody has to look at; none where all was well."""
    spoke = sorted(review.alarms, key=lambda alarm: (not alarm.still_on, -alarm.on, alarm.name))
    for alarm in spoke:
        if alarm.heard:
            yield f"*{short(alarm, review)}* {_how_often(alarm)}."
    for alarm in spoke:
        if alarm.blind >= LONG_BLIND:
            yield f"*{short(alarm, review)}* could not see for {length(alarm.blind)}."
    silent = [one.measure.title for one in review.measures if one.silent]
    if silent and not review.new:
        has = "has" if len(silent) == 1 else "have"
        yield f"*{', '.join(silent)}* {has} no data in CloudWatch this week."
    told = tuple(short(alarm, review) for alarm in spoke if alarm.heard)
    for one in review.measures:
        already = any(name.startswith(f"{one.measure.name}-") for name in told)
        if one.often_beyond and one.now and not already:
            yield f"*{one.measure.title}* was {_beyond(one, one.now)}."


def remarks(review: Review) -> Iterator[str]:
    """What is worth a line though nobody has to act."""
    if review.new:
        yield "There is no week to look at yet: no node sent anything before today."
        return
    if not any(alarm.heard for alarm in review.alarms):
        yield f"None of {len(review.alarms)} alarms went off."
    closest = max(review.measures, key=lambda one: one.nearness, default=None)
    if closest and closest.now and closest.nearness > 0:
        yield f"Closest to its line: {closest.measure.title}, {_reached(closest, closest.now)}."


def short(alarm: Spoke, review: Review) -> str:
    """The alarm's name without what all names begin with."""
    return alarm.name.removeprefix(review.prefix)


def length(time: timedelta) -> str:
    """As a person says it: "2 h 10 min"."""
    minutes = round(time / timedelta(minutes=1))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min" if rest else "under a minute"


def _how_often(alarm: Spoke) -> str:
    if not alarm.fired and not alarm.on:
        return "is on now"
    if not alarm.fired and not alarm.still_on:
        return f"was on for {length(alarm.on)}"
    if not alarm.fired:
        return f"has been on for {length(alarm.on)} and still is"
    times = {1: "once", 2: "twice"}.get(alarm.fired, f"{alarm.fired} times")
    still = ", and is still on" if alarm.still_on else ""
    return f"went off {times}, {length(alarm.on)} in all{still}"


def _beyond(one: Compared, now: Week) -> str:
    line = amount(one.measure.warning or 0.0, one.measure.unit)
    return f"{one.measure.beyond} {line} for {100 * now.beyond:.0f} % of the week"


def _reached(one: Compared, now: Week) -> str:
    measure = one.measure
    line = f"warning {measure.beyond} {amount(measure.warning or 0.0, measure.unit)}"
    last = f", last week {amount(one.before.worst, measure.unit)}" if one.before else ""
    return f"{amount(now.worst, measure.unit)} ({line}{last})"
