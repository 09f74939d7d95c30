"""Rate limits for any WSGI application (PEP 3333): Flask, Django, Pyramid.

``app.wsgi_app = RateLimitMiddleware(app.wsgi_app, …)`` for Flask, ``application =
RateLimitMiddleware(get_wsgi_application(), …)`` for Django. What it takes is what
``vibewell_redis.asgi.RateLimitMiddleware`` takes, with the limiter for threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from vibewell_redis.client_address import ClientAddress
from vibewell_redis.deciding import at_once
from vibewell_redis.decision import Decision
from vibewell_redis.headers import is_preflight, readable, refusal
from vibewell_redis.paths import Tiers, check_tiers, no_tier
from vibewell_redis.routes import RateLimitExceeded, Request, current

LIMITER = "vibewell_redis.limiter"  # where the environ has it
Environ = Mapping[str, Any]
# Django returns what type checkers do not know to be an iterable of bytes.
App = Callable[[dict[str, Any], Any], Any]


class Limiter(Protocol):
    """What decides: ``vibewell_redis.RateLimiter``."""

    def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """One decision over tiers and identifiers."""


class RateLimitMiddleware:
    """Limits requests by user and by client address.

    ``limiter`` is the limiter of the process, or makes it; views find it as
    ``environ["vibewell_redis.limiter"]``, in Django ``request.META``. ``tiers``, ``user`` and
    ``address`` are plain functions of the environ, which also has the scope's keys of ASGI, so that
    ``tiers_by_path`` and ``ClientAddress`` serve here too. The rest is as in ASGI's. Raises
    UnknownClientError and ValueError as there.

    WSGI has one name for X-Forwarded-For and X_Forwarded_For: behind a trusted proxy, the server or
    the proxy must remove names with an underscore, or a client chooses its address.
    """

    def __init__(
        self,
        app: App,
        *,
        limiter: Limiter | Callable[[], Limiter],
        tiers: Callable[[Environ], Tiers] = no_tier,
        user: Callable[[Environ], str | None] | None = None,
        address: Callable[[Environ], str | None] | None = None,
        origins: Collection[str] = (),
        exempt_preflights: bool = True,
    ) -> None:
        self._app: Callable[..., Iterable[bytes]] = app
        self._limiter = limiter() if callable(limiter) else limiter
        check_tiers(tiers, self._limiter)
        self._tiers = tiers
        self._user = user
        self._address = address or ClientAddress()
        self._origins = frozenset(origins)
        self._exempts_preflights = exempt_preflights
        self._connected_in = 0  # a process

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """One request, as WSGI calls an application."""
        scope = environ | _scope(environ)
        environ[LIMITER] = self._limiter
        if self._exempts_preflights and is_preflight(scope):
            return self._app(environ, start_response)
        request = Request(scope, self._connected, self._user, self._address)
        answer = _Answer(request, start_response)
        tiers = self._tiers(scope)
        if tiers is not None and not at_once(_decide(request, tiers)):
            return answer.refuse(scope, self._origins)
        before = current.set(request)
        try:
            body = self._app(environ, answer.start)
        except RateLimitExceeded:
            if answer.has_begun:
                raise
            return answer.refuse(scope, self._origins)
        finally:
            current.reset(before)
        if answer.is_withheld:
            getattr(body, "close", bool)()
            return answer.refuse(scope, self._origins)
        return body

    def _connected(self) -> Any:
        """The limiter; a process's first limited requests wait for it, five seconds at most."""
        if self._connected_in != (pid := os.getpid()):
            getattr(self._limiter, "connect", bool)()
            self._connected_in = pid
        return self._limiter


class _Answer:
    """The response, with the fields added to its headers."""

    def __init__(self, request: Request, start_response: Callable[..., Any]) -> None:
        self._request, self._start = request, start_response
        self.has_begun = False
        self.is_withheld = False  # a framework has made an error 500 of the refusal

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.is_withheld = self._request.is_refused and status.startswith("500")
        if self.is_withheld:
            return len  # nothing is written
        self.has_begun = True
        more = self._request.headers(name for name, _ in headers)
        return self._start(status, [*headers, *more], *([exc_info] if exc_info else []))

    def refuse(self, scope: Environ, origins: frozenset[str]) -> Iterable[bytes]:
        refused = refusal(self._request.denied)
        status = f"{refused.status} {HTTPStatus(refused.status).phrase}"
        self._start(status, [*refused.headers, *readable(scope, origins)])
        return [refused.body]


async def _decide(request: Request, tiers: str | tuple[str, ...]) -> Decision:
    return await request.decide(tiers, await request.identifiers())


def _scope(environ: Environ) -> dict[str, Any]:
    """What the scope of ASGI says of the same request."""
    root, path = (
        str(environ.get(name, "")).encode("latin-1").decode("utf-8", "replace")
        for name in ("SCRIPT_NAME", "PATH_INFO")
    )
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    peer = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": root + path,
        "raw_path": raw.encode("latin-1", "replace") if raw.startswith("/") else b"",
        "root_path": root,
        "headers": headers,
        "client": (peer, 0) if peer else None,
    }
