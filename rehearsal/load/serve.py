"""One instance of the application, in a process of the trials' own environment.

usage: python -m rehearsal.load.serve MODULE:FACTORY. Its settings are in the environment but the
token, which is the first line of standard input: nobody sees it there. The first line that it
prints is the port that it will listen on.
"""

import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import uvicorn

from rehearsal.load.plan import SOURCE_HEADER, TIMES_HEADER
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.decision import Decision

_KEPT_ALIVE = 300  # seconds: longer than any user thinks
_BACKLOG = 4096
# Who has decided, and in how many nanoseconds.
_decided: ContextVar[tuple[str, int]] = ContextVar("decided", default=("", 0))

Send = Callable[[Any], Awaitable[None]]


def tell_who_decides() -> None:
    """Let each decision leave behind what no response of the middleware shows."""
    hit = RateLimiter.hit

    async def telling(self: RateLimiter, *tiers: str, **identifiers: str) -> Decision:
        began = time.monotonic_ns()
        decision = await hit(self, *tiers, **identifiers)
        _decided.set((decision.source, time.monotonic_ns() - began))
        return decision

    RateLimiter.hit = telling  # type: ignore[method-assign]


class Telling:
    """The application, with two more headers on its responses."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """One connection, as ASGI calls an application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic_ns()
        _decided.set(("", 0))

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                source, limited = _decided.get()
                # The body is a few bytes, and is sent at once.
                times = f"{began} {limited} {time.monotonic_ns()}"
                more = [
                    (SOURCE_HEADER.lower().encode(), source.encode()),
                    (TIMES_HEADER.lower().encode(), times.encode()),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await self._app(scope, receive, tell)


def main() -> None:
    """Serve until a signal ends it."""
    os.environ["REDIS_PASSWORD"] = sys.stdin.readline().strip()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each user
    tell_who_decides()
    module, _, name = sys.argv[1].partition(":")
    app = getattr(import_module(module), name)()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        Telling(app),
        log_level="warning",
        access_log=False,
        # The application itself knows which proxies it trusts.
        proxy_headers=False,
        timeout_keep_alive=_KEPT_ALIVE,
        backlog=_BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
