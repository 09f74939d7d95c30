"""What a rehearsal may look at and do that AWS has no API for, beside AWS on its address."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

PREFIX = "/_rehearsal/"

Act = Callable[..., Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Backstage:
    """An ASGI application in front of another: it answers its own addresses and passes the rest on.

    Each act is a function by name; the query string gives its keyword arguments, all text, and the
    answer is its result as JSON.
    """

    def __init__(self, stage: Any, acts: Mapping[str, Act]) -> None:
        self._stage = stage
        self._acts = acts

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """One connection, as ASGI hands it over."""
        act = self._acts.get(scope.get("path", "").removeprefix(PREFIX))
        if act is None:
            await self._stage(scope, receive, send)
            return
        arguments = dict(parse_qsl(scope["query_string"].decode()))
        result = await asyncio.to_thread(act, **arguments)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(result).encode()})
