"""Which fields an answer of AWS has, as paths: the form of samples and of recordings."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def fields(shape: Shape, answer: Any, at: str = "") -> set[str]:
    """Paths of the fields that an answer has: `Users[].UserId`, `Attributes{}`."""
    if isinstance(shape, ListShape):
        return {path for each in answer for path in fields(shape.member, each, f"{at}[]")}
    if isinstance(shape, MapShape):
        return {path for each in answer.values() for path in fields(shape.value, each, f"{at}{{}}")}
    found = set[str]()
    if isinstance(shape, StructureShape):
        for name in answer.keys() & shape.members.keys():
            path = f"{at}.{name}".lstrip(".")
            found |= {path, *fields(shape.members[name], answer[name], path)}
    return found
