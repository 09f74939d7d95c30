"""One instance of the application, in a process of the trials' own environment.

usage: python -m trials.load.serve MODULE:FACTORY. Its settings are in the environment but the
token, which is the first line of standard input: nobody sees it there. The first line that it
prints is the port that it will listen on.
"""

import os
import resource
import socket
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import uvicorn

from trials.load.order import SOURCE_HEADER
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.decision import Decision

_KEPT_ALIVE = 300  # seconds: longer than any user thinks
_BACKLOG = 4096
_decided_by: ContextVar[str] = ContextVar("decided_by", default="")

Send = Callable[[Any], Awaitable[None]]


def tell_who_decides() -> None:
    """Let each decision leave its source behind, which no response of the middleware shows."""
    hit = RateLimiter.hit

    async def telling(self: RateLimiter, *tiers: str, **identifiers: str) -> Decision:
        decision = await hit(self, *tiers, **identifiers)
        _decided_by.set(decision.source)
        return decision

    RateLimiter.hit = telling  # type: ignore[method-assign]


class Telling:
    """The application, with one more header on its responses."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """One connection, as ASGI calls an application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _decided_by.set("")

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                header = (SOURCE_HEADER.lower().encode(), _decided_by.get().encode())
                message = {**message, "headers": [*message.get("headers", ()), header]}
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
