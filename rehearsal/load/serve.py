"""One instance of the application, in a process of the benchmarks' own environment.

usage: python -m rehearsal.load.serve MODULE:FACTORY. Its settings are in the environment but the
token, which is the first line of standard input, where other users do not see it. The first line
that it prints is the port that it will listen on.
"""

import os
import resource
import socket
import sys
import time
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import uvicorn

from rehearsal.load.plan import SOURCE_HEADER, TIMES_HEADER
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.decision import Decision

_KEPT_ALIVE = 300  # seconds: longer than any user thinks
# Who has decided, and in how many nanoseconds: no response of the middleware shows it.
_decided: ContextVar[tuple[str, int]] = ContextVar("decided", default=("", 0))


def note_who_decides() -> None:
    """Let each decision of the client package be noted."""
    hit = RateLimiter.hit

    async def noting(self: RateLimiter, *tiers: str, **identifiers: str) -> Decision:
        began = time.monotonic_ns()
        decision = await hit(self, *tiers, **identifiers)
        _decided.set((decision.source, time.monotonic_ns() - began))
        return decision

    RateLimiter.hit = noting  # type: ignore[method-assign]


def with_times(app: Any) -> Any:
    """The application, with two more headers on its responses."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        began = time.monotonic_ns()
        _decided.set(("", 0))

        async def send_with_times(message: Any) -> None:
            if message["type"] == "http.response.start":
                source, limited = _decided.get()
                # The body is a few bytes, and is sent at once.
                times = f"{began} {limited} {time.monotonic_ns()}"
                more = ((SOURCE_HEADER, source), (TIMES_HEADER, times))
                pairs = [(name.lower().encode(), value.encode()) for name, value in more]
                message = {**message, "headers": [*message.get("headers", ()), *pairs]}
            await send(message)

        await app(scope, receive, send_with_times if scope["type"] == "http" else send)

    return serve


def main() -> None:
    """Serve until a signal ends it."""
    os.environ["REDIS_PASSWORD"] = sys.stdin.readline().strip()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each user
    note_who_decides()
    module, _, name = sys.argv[1].partition(":")
    app = getattr(import_module(module), name)()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        with_times(app),
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # the application itself knows which proxies it trusts
        timeout_keep_alive=_KEPT_ALIVE,
        backlog=4096,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
