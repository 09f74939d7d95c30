"""What Slack and PagerDuty must have heard, against what they were told."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.cloudwatch.evaluation import State
from rehearsal.common.errors import RehearsalError

# For a message that is on its way. AWS answers each look: one that is kept busy has as many.
_LOOKS = 150
_BETWEEN_LOOKS = 0.02  # seconds

Message = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Heard:
    """One message of one alarm, at one receiver."""

    alarm: str
    state: str
    service: str
    channel: str


class Ears:
    """`messages` are the inbox's, `failures` those that CloudWatch could not send.

    `channels` says where each service must show an alarm: the plan's Slack channel, PagerDuty.
    """

    def __init__(
        self,
        messages: Callable[[], list[Message]],
        failures: Callable[[], list[Mapping[str, str]]],
        channels: Mapping[str, str],
    ) -> None:
        self._messages = messages
        self._failures = failures
        self._channels = channels
        self._owed: Counter[Heard] = Counter()
        self._before = len(messages())
        self._failed_before = len(failures())

    def owe(self, alarm: str, state: State, services: Iterable[str]) -> None:
        """An alarm has changed its state: each of these services must show it once."""
        for service in services:
            self._owed[Heard(alarm, state.value, service, self._channels[service])] += 1

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
        self._before = len(self._messages())
        return count

    def _shown(self, names: set[str]) -> Counter[Heard]:
        found: Counter[Heard] = Counter()
        for one in self._messages()[self._before :]:
            if one["shown"]:
                told = json.loads(one["message"])
                if told.get("AlarmName") in names:
                    state = told["NewStateValue"]
                    found[Heard(told["AlarmName"], state, one["service"], one["channel"])] += 1
        return found

    def _lost(self, names: set[str]) -> list[str]:
        failures = self._failures()[self._failed_before :]
        return sorted(
            {f"{one['alarm']}: {one['why']}" for one in failures if one["alarm"] in names}
        )

    def _hidden(self) -> list[str]:
        hidden = [one for one in self._messages()[self._before :] if not one["shown"]]
        return sorted(
            {f"{one['service']} would not show a message: {one['why_not']}" for one in hidden}
        )

    def _difference(self, names: set[str], shown: Counter[Heard]) -> str:
        missing = [
            f"{one.alarm} became {one.state}, and {one.service} ({one.channel}) was notified of "
            f"{'nothing' if not shown[one] else f'{count} times too few'}"
            for one, count in sorted((self._owed - shown).items())
        ]
        extra = [
            f"{one.alarm} notified {one.service} ({one.channel}) {count} times too often of "
            f"{one.state}"
            for one, count in sorted((shown - self._owed).items())
        ]
        return "\n".join([*missing, *extra, *self._lost(names), *self._hidden()])
