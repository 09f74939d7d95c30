"""When to stop asking a Redis that does not answer, and when to try it again."""

from __future__ import annotations

# So many failures, with no answer in between, and nobody waits for Redis any more.
FAILURES = 3
# The pause before the first trial, and the longest between two (seconds).
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


class Breaker:
    """Closed while Redis answers. It knows no clock: ``now`` is seconds of the caller's."""

    def __init__(self) -> None:
        self.is_open = False
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._next_trial = 0.0

    def succeeded(self) -> None:
        """Redis has answered."""
        self.is_open = False
        self._failures = 0
        self._pause = FIRST_PAUSE

    def failed(self, now: float) -> bool:
        """Redis has not answered, or with an error: whether this has opened the breaker."""
        self._failures += 1
        if self.is_open or self._failures < FAILURES:
            return False
        self.is_open = True
        self._next_trial = now + self._pause
        return True

    def trial_is_due(self, now: float) -> bool:
        """Whether somebody should try Redis now; the next trial is due after a longer pause."""
        if not self.is_open or now < self._next_trial:
            return False
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._next_trial = now + self._pause
        return True
