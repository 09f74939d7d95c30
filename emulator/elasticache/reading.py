"""Reading an action's parameters: text from the wire, or typed values from a caller in Python."""

from __future__ import annotations

from typing import Any

from emulator.elasticache.errors import AwsError, invalid_value
from emulator.elasticache.wire import Params


def required(params: Params, name: str) -> str:
    """A text that must be there."""
    value = text(params, name)
    if value is None:
        raise AwsError("MissingParameter", f"The request must contain the parameter {name}.")
    return value


def text(params: Params, name: str) -> str | None:
    """A text, or None if it was left out."""
    value = params.get(name)
    return None if value is None else str(value)


def flag(params: Params, name: str) -> bool | None:
    """A boolean, or None if it was left out."""
    value = params.get(name)
    if value is None:
        return None
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise invalid_value(f"{name} must be true or false.")
    return found


def number(params: Params, name: str) -> int | None:
    """A whole number, or None if it was left out."""
    value = params.get(name)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        raise invalid_value(f"{name} must be a whole number.") from None


def items(params: Params, name: str) -> list[Any] | None:
    """A list, or None if it was left out; an empty list is sent as an empty text."""
    value = params.get(name)
    if value is None:
        return None
    return value if isinstance(value, list) else []


def tags(params: Params) -> dict[str, str]:
    """The request's tags as a dictionary."""
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in items(params, "Tags") or []}


def page(found: list[Any], name: str, params: Params) -> dict[str, Any]:
    """One page of a listing: at most MaxRecords (20 to 100, 100 if left out) from Marker on."""
    size = number(params, "MaxRecords")
    size = 100 if size is None else size
    if not 20 <= size <= 100:
        raise invalid_value("MaxRecords must be between 20 and 100.")
    marker = params.get("Marker") or "0"
    if not str(marker).isdecimal():
        raise invalid_value("Invalid Marker.")
    start = int(marker)
    more = str(start + size) if start + size < len(found) else None
    return {name: found[start : start + size], "Marker": more}
