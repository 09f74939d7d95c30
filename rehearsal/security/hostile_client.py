"""An application whose users send hostile identifiers, on the client package's limiter.

Its standard input is JSON: host, port, token and prefix. Its output is JSON too: how many decisions
were made, and what was wrong with one of them.
"""

from __future__ import annotations

import asyncio
import json
import sys

from rehearsal.security.client_settings import settings
from rehearsal.security.hostile import VALUES
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.decision import Decision, Source

TIERS = ("general", "auth")
_DEADLINE = 30.0  # seconds: it is not speed that is tried here


async def _attack(host: str, port: int, token: str, prefix: str) -> dict[str, object]:
    limiter = RateLimiter.from_settings(
        settings(host, port, token), deadline=_DEADLINE, prefix=prefix
    )
    try:
        await limiter.connect()
        alone = [await _hit(limiter, value) for value in VALUES]
        together = await asyncio.gather(*(_hit(limiter, value) for value in VALUES))
    finally:
        await limiter.aclose()
    wrong = [*_wrong(alone, 1), *_wrong(together, 2)]
    return {"decisions": len(alone) + len(together), "wrong": wrong[0] if wrong else None}


async def _hit(limiter: RateLimiter, value: str) -> Decision:
    return await limiter.hit(*TIERS, user=value, ip=value)


def _wrong(decisions: list[Decision], hits: int) -> list[str]:
    """Whoever has a counter of his own has used it just so often."""
    found = []
    for value, decision in zip(VALUES, decisions, strict=True):
        if decision.source is not Source.REDIS:
            found.append(f"Redis did not decide for {value[:40]!r}, but {decision.source}")
        used = {window.item.requests - window.remaining for window in decision.windows}
        if used != {hits}:
            found.append(f"{value[:40]!r} was counted {sorted(used)} times, not {hits}")
    return found


if __name__ == "__main__":
    json.dump(asyncio.run(_attack(**json.load(sys.stdin))), sys.stdout)
