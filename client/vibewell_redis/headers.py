"""The fields RateLimit-Policy and RateLimit, which say what a client has left.

They follow draft-ietf-httpapi-ratelimit-headers-11 (2026-05-23; sections 3 and 4), whose fields are
Lists of Strings with parameters (RFC 9651). A policy's name is the tier and the kind of identifier,
as ``"auth-user"``: no header has the user or the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil

from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.limits import RateLimitItem

Headers = list[tuple[str, str]]


def rate_limit_headers(decision: Decision) -> Headers:
    """The fields that go with any response to a request that was decided on.

    None when limits are switched off, or when Redis was away and nothing is known of a window.
    Those of a refusal show the exhausted windows alone, so that Retry-After, which holds for all of
    them, is never earlier than the end of one that is shown (section 6 of the draft).
    """
    windows = decision.windows
    if not windows or decision.source is Source.DISABLED:
        return []
    headers = [("RateLimit-Policy", ", ".join([_texts(one[0], one[1])[0] for one in windows]))]
    shown = windows if decision.allowed else exhausted(decision)
    if shown:
        headers.append(("RateLimit", ", ".join([_limit(one) for one in shown])))
    return headers


def exhausted(decision: Decision) -> Sequence[WindowStats]:
    """The windows that deny."""
    return [one for one in decision.windows if one.remaining <= 0]


def policy_name(item: RateLimitItem, identifier: str) -> str:
    """The name of a policy. Tiers and kinds hold nothing that a String would have to escape."""
    return f"{item.name}-{identifier}"


@lru_cache(maxsize=1024)
def _texts(item: RateLimitItem, identifier: str) -> tuple[str, str]:
    """The policy, and how its RateLimit begins."""
    name = f'"{policy_name(item, identifier)}"'
    return f"{name};q={item.requests};w={item.seconds}", f"{name};r="


def _limit(window: WindowStats) -> str:
    item, identifier, remaining, reset_after = window
    opening = _texts(item, identifier)[1]
    return f"{opening}{max(remaining, 0)};t={max(ceil(reset_after), 0)}"
