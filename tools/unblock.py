"""Gives back what one identifier has used of a tier: ``make unblock``.

usage: python -m tools.unblock ENVIRONMENT TIER KIND=VALUE ...

It talks to Redis itself: run it where the application runs, with the data stack's read policy. Exit
status 1 when Redis did not do it.
"""

from collections.abc import Sequence

from environments.load import load
from tools.command import Answer, command, session
from vibewell_redis import RateLimiter, Settings

_PATIENCE = 5.0  # seconds


def _identifiers(given: Sequence[str]) -> dict[str, str]:
    return dict(each.partition("=")[::2] for each in given if each.partition("=")[2])


def _clear(environment: str, tier: str, *given: str) -> int:
    settings, identifiers = load(environment), _identifiers(given)
    try:
        found = Settings.from_parameter_store(settings.parameter_path, session(settings))
        with RateLimiter.from_settings(found, deadline=_PATIENCE) as limiter:
            cleared = limiter.clear(tier, **identifiers)
    except ValueError as mistake:
        raise Answer(f"unblock: {mistake}") from None
    if not cleared:
        raise Answer(
            f"unblock: Redis of {environment} did not answer. Run this where the application runs: "
            "in its VPC and its security group."
        )
    names = ", ".join(f"{kind} {value}" for kind, value in identifiers.items())
    print(f"unblock: {names} may use all of {tier} again, in every process within a second.")
    return 0


main = command(
    "unblock",
    _clear,
    takes=lambda given: all(given[:2]) and _identifiers(given[2:]),
    usage="name an environment, a tier, and a user or an address, for example\n"
    "  make unblock ENV=staging TIER=mfa USER=42",
    interrupted="it may have been cleared or not; run it again.",
)
