"""Held against the oracle: nothing too much in any window, nobody denied wrongly."""

from __future__ import annotations

from collections.abc import Collection

from benchmarks.limiter.oracle import judge
from emulator.errors import RehearsalError
from rehearsal.scaling.clients import FEWEST, TIER, Crowd
from vibewell_redis import Settings, Source


def exact(
    crowd: Crowd, settings: Settings, *, without_fallback: Collection[str] | None = None
) -> str:
    """RehearsalError unless every decision of Redis was right; says how many there were.

    No decision may have been the fallback's on the prefixes of `without_fallback`: all, if it is
    left out.
    """
    limit = settings.tiers[TIER]
    decided = denied = 0
    for prefix, answers in crowd.answers.items():
        sources = crowd.sources[prefix]
        fallen = sources[Source.FALLBACK]
        if fallen and (without_fallback is None or prefix in without_fallback):
            raise RehearsalError(f"{prefix}: {fallen} decisions were the fallback's")
        if sources[Source.REDIS] < FEWEST * limit.requests:
            raise RehearsalError(f"{prefix}: Redis decided only {sources[Source.REDIS]} requests")
        verdict = judge(answers, limit.requests, limit.seconds)
        if verdict.over_admission:
            raise RehearsalError(
                f"{prefix}: {verdict.worst_key} was admitted {verdict.worst_limit} times in a "
                f"window that holds {limit.requests}"
            )
        if verdict.denied_wrongly:
            raise RehearsalError(f"{prefix}: {verdict.denied_wrongly} requests were denied wrongly")
        decided += verdict.requests
        denied += verdict.requests - verdict.admitted
    if not denied:
        raise RehearsalError("nobody was denied: no limit was reached, so none was tried")
    return f"{decided:,} decisions, {denied:,} of them denials, none wrong"
