"""What a client receives: the fields RateLimit-Policy and RateLimit, and a refusal.

The fields say what a client has left. They follow draft-ietf-httpapi-ratelimit-headers-11
(2026-05-23; sections 3 and 4) and are Lists of Strings with parameters (RFC 9651). A policy's name
is the tier and the kind of identifier, as ``"auth-user"``: no header has the user or the address.
A refusal is for any framework. Its body is a problem document (RFC 9457) of one of the two types
that the draft defines (sections 5.1, 5.2 and 10.2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

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


def is_preflight(scope: Mapping[str, Any]) -> bool:
    """Whether an ASGI scope is a preflight (Fetch standard, CORS)."""
    return (
        scope.get("method") == "OPTIONS"
        and _header(scope, b"access-control-request-method") is not None
        and _header(scope, b"origin") is not None
    )


def readable(scope: Mapping[str, Any], origins: frozenset[str]) -> Headers:
    """What lets a browser show the refusal to the script that asked (Fetch standard, CORS)."""
    origin = (_header(scope, b"origin") or b"").decode("latin-1")
    if not origin:
        return []
    is_known = origin in origins
    return [
        ("Access-Control-Allow-Origin", origin if is_known else "*"),
        *([("Access-Control-Allow-Credentials", "true")] if is_known else []),
        ("Access-Control-Expose-Headers", "Retry-After, RateLimit, RateLimit-Policy"),
        ("Vary", "Origin"),
    ]


def _header(scope: Mapping[str, Any], name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


_TYPES = "https://iana.org/assignments/http-problem-types#"


class Refusal(NamedTuple):
    """A whole response. ``headers`` are pairs of texts; ``body`` is JSON in UTF-8."""

    status: int
    headers: Headers
    body: bytes


def refusal(decision: Decision) -> Refusal:
    """The response to a request that the decision denies. Raises ValueError if it admits it.

    429: the caller used up a limit. 503: while Redis is away that is unknown; the lowered share of
    one instance is used up, or the tier admits no request.
    """
    if decision.allowed:
        raise ValueError("the decision admits the request: there is nothing to refuse")
    seconds = max(ceil(decision.retry_after), 1)
    again = f"Try again in {seconds} second{'' if seconds == 1 else 's'}."
    if decision.source is Source.FALLBACK:
        status, kind, title = 503, "temporary-reduced-capacity", "Temporary Reduced Capacity"
        detail = f"Requests cannot be counted at the moment, so fewer are admitted. {again}"
    else:
        status, kind, title = 429, "quota-exceeded", "Quota Exceeded"
        detail = f"More requests came than the limit allows. {again}"
    problem = {
        "type": _TYPES + kind,
        "title": title,
        "status": status,
        "detail": detail,
        "violated-policies": [policy_name(one.item, one.identifier) for one in exhausted(decision)],
    }
    body = json.dumps(problem).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),  # RFC 6585: no cache may hold a 429
        ("Retry-After", str(seconds)),
        *rate_limit_headers(decision),
    ]
    return Refusal(status, headers, body)
