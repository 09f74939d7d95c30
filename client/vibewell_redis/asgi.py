"""Rate limits for any ASGI application: Starlette, FastAPI, Litestar, Django, Quart.

Outermost is best, so that what is refused costs nothing else: ``RateLimitMiddleware(app, …)``, or
``Starlette(middleware=[Middleware(RateLimitMiddleware, …)])``. Written after the ASGI specification
3.0, with its extension "WebSocket denial response".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol

from redis.exceptions import RedisError

from vibewell_redis.client_address import ClientAddress
from vibewell_redis.decision import Decision
from vibewell_redis.headers import Headers, Refusal, is_preflight, readable, refusal
from vibewell_redis.paths import Tiers, check_tiers, no_tier
from vibewell_redis.routes import RateLimitExceeded, Request, current, settled

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_log = logging.getLogger("vibewell_redis")

# Redis may be away when an application starts or ends: neither waits longer for it (seconds).
_LONGEST = 5.0
_ENDS = ("lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed")


class Limiter(Protocol):
    """What decides: ``vibewell_redis.asyncio.RateLimiter``."""

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """One decision over tiers and identifiers."""

    async def connect(self) -> object:
        """Open connections."""

    async def aclose(self) -> object:
        """Close them."""


class Life:
    """Holds the limiter, which ``make`` makes when the application starts, in each event loop."""

    def __init__(self, make: Callable[[], Limiter], tiers: Callable[..., Any]) -> None:
        self._make, self._tiers = make, tiers
        self._made: dict[asyncio.AbstractEventLoop, tuple[Limiter, asyncio.Task[None]]] = {}

    async def limiter(self) -> Limiter:
        """The limiter, which has had its time to connect.

        Where the server knows no lifespan the first requests wait for that, as they would for the
        application's start.
        """
        limiter, start = self.here()
        if not start.done() or start.exception():
            await asyncio.shield(start)
        return limiter

    def here(self) -> tuple[Limiter, asyncio.Task[None]]:
        """The limiter of this event loop, and how it connects."""
        loop = asyncio.get_running_loop()
        if (found := self._made.get(loop)) is None:
            # Starlette's TestClient without `with` has an event loop for each request.
            for each in [each for each in list(self._made) if each.is_closed()]:
                left, _ = self._made.pop(each)
                getattr(left, "abandon_closed", bool)()
            limiter = self._make()
            check_tiers(self._tiers, limiter)
            start = loop.create_task(_best_effort("connect", limiter.connect()))
            found = self._made[loop] = limiter, start
        return found

    def beside(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """The application's two channels of the lifespan protocol; it notices nothing.

        A Redis that cannot be reached prevents neither start nor end. What ``make`` raises does
        prevent the start: it is a mistake in the settings.
        """

        async def receive_after_connecting() -> Any:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.limiter()
            return message

        async def send_after_closing(message: Any) -> None:
            if message["type"] in _ENDS:
                made = self._made.pop(asyncio.get_running_loop(), None)
                if made is not None:
                    await _best_effort("close its connections", made[0].aclose())
            await send(message)

        return receive_after_connecting, send_after_closing


async def _best_effort(what: str, work: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(_LONGEST):
            await work
    except (RedisError, OSError) as problem:  # a TimeoutError is an OSError
        _log.warning("the rate limiter could not %s: %s", what, type(problem).__name__)


Scope = Mapping[str, Any]
App = Callable[[Any, Receive, Send], Awaitable[None]]
User = str | None

# The messages that a response begins with, and that can carry more headers.
_OPENINGS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
_TRY_AGAIN_LATER = 1013


class RateLimitMiddleware:
    """Limits HTTP requests and WebSocket handshakes by user and by client address.

    ``limiter`` is the limiter of a process, or makes it in its event loop: ``lambda:
    RateLimiter.from_settings(settings)``. It is connected at the application's start and closed at
    its end. Handlers find it as ``request.state.rate_limiter`` (``scope["state"]``), and ``limit``
    of ``vibewell_redis.routes`` finds it by itself.

    ``tiers`` gives a request's tier, several, or None for one that is not limited, as a health
    check; ``tiers_by_path`` makes one. It may be a coroutine function, which looks up what the user
    has paid for. Without it routes alone are limited. The scope has the ``root_path`` of an
    application that sets its own, as FastAPI(root_path=…). ``user`` gives the id of the user who is
    logged in; without one the address alone counts. It may be a coroutine function, is asked before
    anything is limited, and so must be cheap; an id that the client merely claims lets it use up
    somebody else's limit. ``address`` gives what the client is limited as, or None for no limit by
    address.

    A refused request gets what ``refusal`` says; a refused handshake the same where the server can
    (websocket.http.response), otherwise close code 1013 before it is accepted, which servers send
    as 403. Responses to admitted requests carry the RateLimit fields.

    Browsers ask before some requests to other origins: these preflights (OPTIONS with
    Access-Control-Request-Method) are not limited unless ``exempt_preflights`` is false. Scripts of
    any origin may read a refusal of a request without credentials; ``origins``, as
    https://app.example, are those that may read one of a request with credentials.

    Raises ValueError for a tier that the limiter has not, and UnknownClientError for a request of
    which neither user nor address is known: no two clients share a limit unnoticed.
    """

    def __init__(
        self,
        app: App,
        *,
        limiter: Limiter | Callable[[], Limiter],
        tiers: Callable[[Scope], Tiers | Awaitable[Tiers]] = no_tier,
        user: Callable[[Scope], User | Awaitable[User]] | None = None,
        address: Callable[[Scope], str | None] | None = None,
        origins: Collection[str] = (),
        exempt_preflights: bool = True,
    ) -> None:
        self._app = app
        self._root_path = getattr(app, "root_path", None)
        if not callable(limiter):
            check_tiers(tiers, limiter)
        self._life = Life(limiter if callable(limiter) else lambda: limiter, tiers)
        self._tiers = tiers
        self._user = user
        self._origins = frozenset(origins)
        self._address = address or ClientAddress()
        self._exempts_preflights = exempt_preflights

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One connection, as ASGI calls an application."""
        kind = scope["type"]
        if kind == "lifespan":
            return await self._app(scope, *self._life.beside(receive, send))
        exempt = self._exempts_preflights and is_preflight(scope)
        if kind not in ("http", "websocket") or exempt:
            return await self._app(scope, receive, send)
        loop = asyncio.get_running_loop()
        request = Request(scope, self._life.limiter, self._user, self._address, loop)
        answer = _Answer(request, scope, receive, send, self._origins)
        root = self._root_path
        tiers = await settled(self._tiers({**scope, "root_path": root} if root else scope))
        if tiers is not None and not await request.decide(tiers, await request.identifiers()):
            return await answer.refuse()
        scope.setdefault("state", {})["rate_limiter"] = self._life.here()[0]
        before = current.set(request)
        try:
            await self._app(scope, answer.receive, answer.send)
        except RateLimitExceeded:
            if answer.has_begun and kind == "http":
                raise
            answer.is_withheld = True
        finally:
            current.reset(before)
            if answer.is_withheld:
                await answer.refuse()


class _Answer:
    """The two channels of a request, and what goes out on them in addition to the application's."""

    def __init__(
        self, request: Request, scope: Scope, receive: Receive, send: Send, origins: frozenset[str]
    ) -> None:
        self._request, self._scope, self._origins = request, scope, origins
        self._receive, self._send = receive, send
        self.has_begun = False
        self.is_withheld = False  # a framework has made an error 500 of the refusal
        self._connected = False

    async def receive(self) -> Any:
        message = await self._receive()
        self._connected = self._connected or message["type"] == "websocket.connect"
        return message

    async def send(self, message: Any) -> None:
        if message["type"] in _OPENINGS:
            self.is_withheld = self._request.is_refused and message.get("status") == 500
            self.has_begun = not self.is_withheld
            own = message.get("headers", ())
            if more := self._request.headers(name.decode("latin-1") for name, _ in own):
                message = {**message, "headers": [*own, *_encoded(more)]}
        if not self.is_withheld:
            await self._send(message)

    async def refuse(self) -> None:
        refused = refusal(self._request.denied)
        refused.headers.extend(readable(self._scope, self._origins))
        if self._scope["type"] == "http":
            return await _respond("http.response", refused, self._send)
        if not self._connected and (await self._receive())["type"] != "websocket.connect":
            return None
        extensions = self._scope.get("extensions") or ()
        if "websocket.http.response" in extensions and not self.has_begun:
            return await _respond("websocket.http.response", refused, self._send)
        return await self._send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})


async def _respond(kind: str, refused: Refusal, send: Send) -> None:
    start = {"type": f"{kind}.start", "status": refused.status}
    await send(start | {"headers": _encoded(refused.headers)})
    await send({"type": f"{kind}.body", "body": refused.body})


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]
