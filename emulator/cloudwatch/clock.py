"""CloudWatch's time, run faster than ours."""

from __future__ import annotations

import time

MINUTE = 60  # seconds of CloudWatch's time
# It runs through last week: CloudWatch takes data of the last two weeks, and none of the future.
_BEHIND = 7 * 24 * 3600


class Clock:
    """One CloudWatch minute after the other, each lasting at least `seconds` of ours.

    It begins after the moment `after`, in seconds since the epoch, where that is later.
    """

    def __init__(self, seconds: float, after: float = 0) -> None:
        self.seconds = seconds
        self.minutes = 0
        self._began = int(max(time.time() - _BEHIND, after)) // MINUTE * MINUTE + MINUTE
        self._next = time.monotonic()

    @property
    def minute(self) -> int:
        """When the present CloudWatch minute began, in seconds since the epoch."""
        return self._began + self.minutes * MINUTE

    @property
    def speed(self) -> str:
        """How fast it runs, for people."""
        return (
            f"compressed clock: a CloudWatch minute lasts at least {self.seconds:g} s here, "
            f"so it runs up to {MINUTE / self.seconds:.0f} times as fast"
        )

    def tick(self) -> None:
        """Go to the next minute, when this one has lasted long enough."""
        self._next = max(self._next + self.seconds, time.monotonic())
        time.sleep(max(0.0, self._next - time.monotonic()))
        self.minutes += 1
