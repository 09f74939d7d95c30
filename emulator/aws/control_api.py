"""Operations of a rehearsal that AWS has no API for, at AWS's address."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

PREFIX = "/_rehearsal/"

Operation = Callable[..., Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ControlApi:
    """An ASGI application in front of another, which gets every request to other addresses.

    Each operation is a function by name. The query string gives its keyword arguments, all text;
    the answer is its result as JSON.
    """

    def __init__(self, application: Any, operations: Mapping[str, Operation]) -> None:
        self._application = application
        self._operations = operations

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """One connection, as ASGI hands it over."""
        operation = self._operations.get(scope.get("path", "").removeprefix(PREFIX))
        if operation is None:
            await self._application(scope, receive, send)
            return
        arguments = dict(parse_qsl(scope["query_string"].decode()))
        result = await asyncio.to_thread(operation, **arguments)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(result).encode()})
