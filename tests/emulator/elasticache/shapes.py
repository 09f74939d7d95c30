"""Holds an answer in XML against the service model that botocore parses it with."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import botocore.session
from botocore.utils import parse_timestamp

MODEL = botocore.session.get_session().get_service_model("elasticache")


def problems(xml: str) -> list[str]:
    """What a client would miss or misread in this answer: nothing, if it is right."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - our own answer
    action = _name(root).removesuffix("Response")
    shape = MODEL.operation_model(action).output_shape
    results = [child for child in root if _name(child) == f"{action}Result"]
    if shape is None:
        return [f"{action}: no result is expected"] if list(results[0]) else []
    return list(_structure(results[0], shape, action))


def _structure(element: ElementTree.Element, shape: Any, path: str) -> Iterator[str]:
    members = {
        member.serialization.get("name", name): member for name, member in shape.members.items()
    }
    for child in element:
        name = _name(child)
        if name not in members:
            yield f"{path}.{name}: unknown"
        else:
            yield from _value(child, members[name], f"{path}.{name}")


def _value(element: ElementTree.Element, shape: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure(element, shape, path)
    elif shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        for item in element:
            if _name(item) != wanted:
                yield f"{path}: an item is called {_name(item)}, not {wanted}"
            yield from _value(item, shape.member, f"{path}[]")
    elif not _reads(shape, element.text or ""):
        yield f"{path}: {element.text!r} is no {shape.type_name}"


def _reads(shape: Any, text: str) -> bool:
    if shape.type_name == "boolean":
        return text in ("true", "false")
    if shape.type_name == "integer":
        return text.lstrip("-").isdecimal()
    if shape.type_name == "timestamp":
        return parse_timestamp(text).tzinfo is not None
    return not getattr(shape, "enum", None) or text in shape.enum


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
