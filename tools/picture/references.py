"""What one resource of a template says of another."""

from typing import Any


def target(value: Any) -> str:
    """The logical id that a Ref, Fn::GetAtt or Fn::Join of one of them names; a string is itself.

    ValueError for anything else.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::Join": [_, list(parts)]}:
            (name,) = (target(part) for part in parts if isinstance(part, dict))
            return name
    raise ValueError(f"a reference of a kind that the picture does not know: {value!r}")
