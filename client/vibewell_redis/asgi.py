"""Rate limits for any ASGI application: Starlette, FastAPI, Litestar, Django, Quart.

Outermost is best, so that what is refused costs nothing else: ``RateLimitMiddleware(app, …)``, or
``Starlette(middleware=[Middleware(RateLimitMiddleware, …)])``. Written after the ASGI specification
3.0, with its extension "WebSocket denial response".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from vibewell_redis.client_address import ClientAddress, UnknownClientError
from vibewell_redis.decision import Decision
from vibewell_redis.headers import Headers, rate_limit_headers
from vibewell_redis.lifespan import Life, Limiter, Receive, Send
from vibewell_redis.paths import Tiers
from vibewell_redis.refusals import Refusal, refusal

Scope = Mapping[str, Any]
App = Callable[[Any, Receive, Send], Awaitable[None]]
User = str | None

# The messages that a response begins with, and that can carry more headers.
_OPENINGS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
_TRY_AGAIN_LATER = 1013


class RateLimitMiddleware:
    """Limits HTTP requests and WebSocket handshakes by user and by client address.

    ``limiter`` makes the limiter of a process, in its event loop: ``lambda:
    RateLimiter.from_settings(settings)``. It is made and connected at the application's start and
    closed at its end.

    ``tiers`` gives a request's tier, several, or None for one that is not limited, as a health
    check; ``tiers_by_path`` makes one. The scope has the ``root_path`` of an application that sets
    its own, as FastAPI(root_path=…). ``user`` gives the id of the user who is logged in; without
    one the address alone counts. It may be a coroutine function, is asked before anything is
    limited, and so must be cheap; an id that the client merely claims lets it use up somebody
    else's limit. ``address`` gives what the client is limited as, or None for no limit by address.

    A refused request gets what ``refusal`` says; a refused handshake the same where the server can
    (websocket.http.response), otherwise close code 1013 before it is accepted, which servers send
    as 403. Responses to admitted requests carry the RateLimit fields.

    Browsers ask before some requests to other origins: these preflights (OPTIONS with
    Access-Control-Request-Method) are not limited. Scripts of any origin may read a refusal of a
    request without credentials; ``origins``, as https://app.example, are those that may read one of
    a request with credentials.

    Raises ValueError for a tier that the limiter has not, and UnknownClientError for a request of
    which neither user nor address is known: nobody shares a limit unnoticed.
    """

    def __init__(
        self,
        app: App,
        *,
        limiter: Callable[[], Limiter],
        tiers: Callable[[Scope], Tiers],
        user: Callable[[Scope], User | Awaitable[User]] | None = None,
        address: Callable[[Scope], str | None] | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._root_path = getattr(app, "root_path", None)
        self._life = Life(limiter)
        self._tiers = tiers
        self._user = user
        self._origins = frozenset(origins)
        self._address = address or ClientAddress()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One connection, as ASGI calls an application."""
        kind = scope["type"]
        if kind == "lifespan":
            return await self._app(scope, *self._life.beside(receive, send))
        tiers = None
        if kind == "websocket" or (kind == "http" and not _is_preflight(scope)):
            root = self._root_path
            tiers = self._tiers({**scope, "root_path": root} if root else scope)
        if tiers is None:
            return await self._app(scope, receive, send)
        decision = await self._decide(scope, tiers)
        if decision.allowed:
            headers = _encoded(rate_limit_headers(decision))
            return await self._app(scope, receive, _adding(headers, send) if headers else send)
        refuse = _refuse_request if kind == "http" else _refuse_handshake
        refused = refusal(decision)
        refused.headers.extend(_readable(scope, self._origins))
        return await refuse(refused, scope, receive, send)

    async def _decide(self, scope: Scope, tiers: str | tuple[str, ...]) -> Decision:
        identifiers = {}
        if self._user is not None:
            user = self._user(scope)
            if user is not None and not isinstance(user, str):
                user = await user
            if user:
                identifiers["user"] = user
        address = self._address(scope)
        if address is not None:
            identifiers["ip"] = address
        elif not identifiers:
            raise UnknownClientError(
                "neither a user nor an address: give this request's tier as None if it is not "
                "to be limited"
            )
        names = (tiers,) if isinstance(tiers, str) else tiers
        return await (await self._life.limiter()).hit(*names, **identifiers)


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _is_preflight(scope: Scope) -> bool:
    return (
        scope.get("method") == "OPTIONS"
        and _header(scope, b"access-control-request-method") is not None
        and _header(scope, b"origin") is not None
    )


def _readable(scope: Scope, origins: frozenset[str]) -> Headers:
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


def _adding(headers: list[tuple[bytes, bytes]], send: Send) -> Send:
    async def send_with_headers(message: Any) -> None:
        if message["type"] in _OPENINGS:
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return send_with_headers


async def _refuse_request(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await _respond("http.response", refused, send)


async def _refuse_handshake(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    if "websocket.http.response" in (scope.get("extensions") or ()):
        await _respond("websocket.http.response", refused, send)
    else:
        await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})


async def _respond(kind: str, refused: Refusal, send: Send) -> None:
    start = {"type": f"{kind}.start", "status": refused.status}
    await send(start | {"headers": _encoded(refused.headers)})
    await send({"type": f"{kind}.body", "body": refused.body})


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]
