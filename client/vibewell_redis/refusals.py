"""The response to a request that is not admitted: status, headers and body, for any framework.

The body is a problem document (RFC 9457) of one of the two types that
draft-ietf-httpapi-ratelimit-headers-11 defines (sections 5.1, 5.2 and 10.2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

from vibewell_redis.decision import Decision, Source
from vibewell_redis.headers import Headers, exhausted, policy_name, rate_limit_headers


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
