"""The request that is being answered: its client, its limiter and the decisions about it.

The middleware sets it, ``limit`` finds it: whichever task or thread the framework hands the request
to has a copy of the context.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any

from vibewell_redis.client_address import UnknownClientError
from vibewell_redis.decision import Decision
from vibewell_redis.headers import Headers, rate_limit_headers

Identifiers = dict[str, str]
Identify = Callable[[Mapping[str, Any]], Any] | None


class Request:
    """One request. ``limiter`` gives the limiter, which may have to be awaited."""

    __slots__ = (
        *("_address", "_identifiers", "_scope", "_user"),
        *("decisions", "is_refused", "limiter", "loop"),
    )

    def __init__(
        self,
        scope: Mapping[str, Any],
        limiter: Callable[[], Any],
        user: Identify,
        address: Identify,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.limiter, self.loop = limiter, loop
        self.decisions: list[Decision] = []
        self.is_refused = False  # by an exception that is on its way to the middleware
        self._scope, self._user, self._address = scope, user, address
        self._identifiers: Identifiers | None = None

    async def identifiers(self) -> Identifiers:
        """The user and the address that the middleware's functions give. They are asked once."""
        if self._identifiers is None:
            found: Identifiers = {}
            if self._user is not None and (user := await settled(self._user(self._scope))):
                found["user"] = user
            if self._address is not None:
                address = await settled(self._address(self._scope))
                if address is not None:
                    found["ip"] = address
            self._identifiers = found
        return self._identifiers

    async def decide(
        self, tiers: str | tuple[str, ...], identifiers: Identifiers, limiter: Any = None
    ) -> Decision:
        """One decision over these. Raises UnknownClientError when nobody is identified."""
        if not identifiers:
            raise UnknownClientError(
                "neither a user nor an address: give this request's tier as None if it is not "
                "to be limited"
            )
        names = (tiers,) if isinstance(tiers, str) else tiers
        limiter = limiter or await settled(self.limiter())
        decision: Decision = await settled(limiter.hit(*names, **identifiers))
        self.decisions.append(decision)
        return decision

    def headers(self) -> Headers:
        """The fields of all decisions; of a refusal those of the one that denied alone."""
        decisions = self.decisions
        if decisions and not decisions[-1]:
            decisions = decisions[-1:]
        fields: dict[str, list[str]] = {}
        for decision in decisions:
            for name, value in rate_limit_headers(decision):
                fields.setdefault(name, []).append(value)
        return [(name, ", ".join(values)) for name, values in fields.items()]


current: ContextVar[Request | None] = ContextVar("vibewell_redis_request", default=None)


def current_request() -> Request:
    """The request that is being answered. Raises RuntimeError where there is none."""
    request = current.get()
    if request is None:
        raise RuntimeError(
            "no RateLimitMiddleware is around this application, so that no limiter is known: wrap "
            "the application in that of vibewell_redis.asgi or vibewell_redis.wsgi"
        )
    return request


async def client_ip() -> str | None:
    """The client's address, as the middleware finds it: ``limit("auth", ip=client_ip)``."""
    return (await current_request().identifiers()).get("ip")


async def client_user() -> str | None:
    """The user who is logged in, as the middleware finds it: ``user=client_user``."""
    return (await current_request().identifiers()).get("user")


async def settled(found: Any) -> Any:
    """The value, awaited if it must be."""
    return await found if isawaitable(found) else found


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing. Raises RuntimeError if it does wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError(
        "a limit on a plain function outside an event loop cannot wait: give plain functions for "
        "user, address and identifiers, and vibewell_redis.RateLimiter as the limiter"
    )
