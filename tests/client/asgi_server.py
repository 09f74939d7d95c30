"""The server's side of ASGI, for tests of header logic: one request, handshake or life."""

import re
from collections.abc import Iterable
from typing import Any

from vibewell_redis.decision import Decision

_ITEM = re.compile(
    r'"((?:[ !#-\[\]-~]|\\["\\])*)"((?:; *[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)(?:[ \t]*,[ \t]*(?=")|$)'
)

Items = list[tuple[str, dict[str, int]]]


def read_list(field: str) -> Items:
    """A List of Strings with parameters that are Integers, or an AssertionError."""
    items, end = [], 0
    while end < len(field):
        item = _ITEM.match(field, end)
        assert item is not None, f"no member at {field[end:]!r}"
        parameters = dict(pair.split("=") for pair in item[2].replace(" ", "").split(";")[1:])
        items.append((item[1], {name: int(value) for name, value in parameters.items()}))
        end = item.end()
    assert items, "no member"
    return items


class Decided:
    """Gives one decision in the limiter's place; it limits nothing itself."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[tuple[tuple[str, ...], dict[str, str]]] = []
        self.life: list[str] = []

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        self.asked.append((tiers, identifiers))
        return self.decision

    async def connect(self) -> None:
        self.life.append("connected")

    async def aclose(self) -> None:
        self.life.append("closed")


def request(path: str = "/", **more: Any) -> dict[str, Any]:
    """An HTTP scope."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    return scope | {"client": ("203.0.113.7", 4321)} | more


def handshake(path: str = "/", **more: Any) -> dict[str, Any]:
    """A WebSocket scope of a server that can send a response instead of the handshake."""
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    return request(path, type="websocket", extensions=extensions) | more


async def served(
    app: Any, scope: dict[str, Any], messages: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """What the application sends when it is called; it receives messages of these types."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": next(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
