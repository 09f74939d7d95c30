"""Users of an application that asks the limiter before it answers: the client's own code."""

from __future__ import annotations

import math
import os
from itertools import cycle

from rehearsal.common.rehearsal import Rehearsal
from vibewell_redis.limiter import RateLimiter
from vibewell_redis.settings import Settings

_PATIENCE = 30.0  # seconds for one decision: what is looked at is the dashboard, not the speed
_PEOPLE = 200


class Users:
    """Requests of a day: few, then more until the peak in the middle of ``minutes``, then fewer."""

    def __init__(self, rehearsal: Rehearsal, path: str, *, minutes: int, peak: int) -> None:
        """``peak`` is in requests a minute; ``path`` is where the deployment publishes."""
        # The client finds AWS and the authority where an application's process has them.
        aws = rehearsal.embedded_aws.environment
        os.environ.update({name: aws[name] for name in aws if name.startswith("AWS_")})
        os.environ["SSL_CERT_FILE"] = str(rehearsal.authority)
        self._limiter = RateLimiter.from_settings(
            Settings.from_parameter_store(path), deadline=_PATIENCE
        )
        self._minutes, self._peak = minutes, peak
        self._passed = 0
        # One after the other, so that nobody comes near a limit: a denial needs no Redis.
        self._people = cycle(range(_PEOPLE))

    def minute(self) -> None:
        """A minute's requests, one after the other."""
        share = math.sin(math.pi * self._passed / self._minutes) ** 2
        for _ in range(1 + round(self._peak * share)):
            person = next(self._people)
            self._limiter.hit("general", user=f"user-{person}", ip=f"198.51.100.{person}")
        self._passed += 1

    def end(self) -> None:
        """Close the connections; what was counted expires by itself."""
        self._limiter.close()
