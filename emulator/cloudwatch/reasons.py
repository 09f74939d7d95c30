"""Why a state changed, in CloudWatch's words, which Slack and PagerDuty show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from emulator.cloudwatch.evaluation import Rule, State, Treatment

_FILLED = {Treatment.BREACHING: "Breaching", Treatment.NOT_BREACHING: "NonBreaching"}


def reason(rule: Rule, times: Sequence[int], figures: Sequence[float | None], state: State) -> str:
    """The reason for `state` after these figures of the periods that begin at `times`."""
    real = [(at, one) for at, one in zip(times, figures, strict=True) if one is not None][
        -rule.periods :
    ]
    missing = rule.periods - len(real)
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {missing} datapoint{_s(missing)} {_were(missing)} unknown."
    if not real:
        treated = _FILLED.get(rule.treatment, "Missing")
        return (
            f"Threshold Crossed: no datapoints were received for {missing} period{_s(missing)} "
            f"and {missing} missing datapoint{_s(missing)} {_were(missing)} treated as [{treated}]."
        )
    alarm = state is State.ALARM
    counted = [(at, one) for at, one in real if rule.breaches(one) is alarm]
    points = ", ".join(f"{one} ({_moment(at)})" for at, one in reversed(counted))
    needed = rule.to_alarm if alarm else rule.periods - rule.to_alarm + 1
    return (
        f"Threshold Crossed: {len(counted)} out of the last {rule.periods} "
        f"datapoint{_s(rule.periods)} [{points}] {_were(len(counted))} {'' if alarm else 'not '}"
        f"{rule.words} the threshold ({rule.threshold}) (minimum {needed} datapoint{_s(needed)} "
        f"for {'OK -> ALARM' if alarm else 'ALARM -> OK'} transition)."
    )


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
