"""One route a tier, limited over all processes by user and by client address.

Settings are the variables that the deployment publishes (REDIS_URL, RATE_LIMIT_AUTH and so on);
TRUSTED_PROXIES names the proxies in front, as ``10.0.0.0/16,unix``, and RATE_LIMIT_DEADLINE_MS how
long a request waits for its decision.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vibewell_redis.asgi import RateLimitMiddleware
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.client_address import ClientAddress
from vibewell_redis.fallback import Fallback
from vibewell_redis.metrics import instrument
from vibewell_redis.paths import Tiers, tiers_by_path
from vibewell_redis.settings import Settings

TIERS: dict[str, Tiers] = {
    "/": "general",
    "/login": "auth",
    "/search": "sensitive",
    "/admin": "admin",
    "/mfa": "mfa",
    "/payments": "financial",
    "/healthz": None,  # a health check must always be answered
}
# While Redis is away these admit no request rather than too many; the others admit a share.
FALLBACK = {"mfa": Fallback.CLOSED, "financial": Fallback.CLOSED}


def create() -> RateLimitMiddleware:
    """The application, once a process. Raises ValueError for settings that are missing or wrong."""
    settings = Settings.from_environment()
    deadline = deadline_ms(os.environ) / 1000

    def limiter() -> RateLimiter:
        made = RateLimiter.from_settings(settings, fallback=FALLBACK, deadline=deadline)
        instrument(made)
        return made

    return RateLimitMiddleware(
        Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path in TIERS]),
        limiter=limiter,
        tiers=tiers_by_path(TIERS),
        user=demonstration_user,
        address=ClientAddress(trusted_proxies(os.environ)),
    )


async def answer(request: Request) -> JSONResponse:
    """Which process has answered: the limits hold over all of them."""
    return JSONResponse({"path": request.url.path, "process": os.getpid()})


def demonstration_user(scope: Mapping[str, Any]) -> str | None:
    """For a demonstration alone: anybody may claim any id, and use up its owner's limit.

    An application gives the id of a session that it has verified.
    """
    for name, value in scope["headers"]:
        if name == b"x-demonstration-user":
            return str(value.decode("latin-1"))
    return None


def deadline_ms(environ: Mapping[str, str]) -> int:
    """RATE_LIMIT_DEADLINE_MS, or 50. Raises ValueError."""
    text = environ.get("RATE_LIMIT_DEADLINE_MS", "50")
    if not (text.isdecimal() and 1 <= int(text) <= 60_000):
        raise ValueError(f"RATE_LIMIT_DEADLINE_MS is {text!r}. Write 1 to 60000")
    return int(text)


def trusted_proxies(environ: Mapping[str, str]) -> list[str]:
    """The networks in TRUSTED_PROXIES, separated by commas."""
    return [text for text in environ.get("TRUSTED_PROXIES", "").split(",") if text.strip()]
