"""What browsers ask before a request to another origin, and what lets them show a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vibewell_redis.headers import Headers


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
