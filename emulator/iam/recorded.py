"""The recorded calls of functions to AWS, and their connections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.iam.endpoint_names import is_own


@dataclass(frozen=True)
class Call:
    """One call to AWS: the function's and the role's ARN, ``service:Action``, and what it named.

    `address` is the own name of an endpoint that it used, else ``""``. `parameters` are the
    request's identifying ones by name, each a list: never a value that the function stores, sends
    or reads.
    """

    function: str
    role: str
    action: str
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    address: str = ""

    def first(self, name: str) -> str | None:
        """The first value of a parameter, or None when it was not given."""
        values = self.parameters.get(name, ())
        return values[0] if values else None


@dataclass(frozen=True)
class Connection:
    """One TCP connection: the function's ARN, and the address that it asked for."""

    function: str
    host: str
    port: int


def calls(entries: Iterable[Mapping[str, Any]]) -> list[Call]:
    """The calls that the embedded AWS recorded, alike ones once."""
    distinct = {
        (
            entry["function"],
            entry["role"],
            entry["action"] or "an action that could not be read",
            tuple((name, tuple(values)) for name, values in sorted(entry["parameters"].items())),
            entry["host"] if is_own(entry["host"]) else "",
        )
        for entry in entries
    }
    return [
        Call(function, role, action, dict(parameters), address)
        for function, role, action, parameters, address in sorted(distinct)
    ]


def connections(entries: Iterable[Mapping[str, Any]]) -> list[Connection]:
    """The connections that the functions' processes recorded, alike ones once."""
    distinct = {(entry["function"], entry["host"], entry["port"]) for entry in entries}
    return [Connection(*connection) for connection in sorted(distinct)]
