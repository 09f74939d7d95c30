"""A reader of structured fields (RFC 9651), written from the RFC and not from our writer."""

import re

_ITEM = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"((?:; *[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)')

Items = list[tuple[str, dict[str, int]]]


def read_list(field: str) -> Items:
    """A List of Strings with parameters that are Integers, or an AssertionError."""
    items, rest = [], field
    while True:
        item = _ITEM.match(rest)
        assert item is not None, f"no String at {rest!r}"
        parameters = dict(pair.split("=") for pair in item[2].replace(" ", "").split(";")[1:])
        items.append((item[1], {name: int(value) for name, value in parameters.items()}))
        rest = rest[item.end() :]
        if not rest:
            return items
        assert re.match(r"[ \t]*,[ \t]*\S", rest), f"no further member at {rest!r}"
        rest = rest.lstrip(" \t")[1:].lstrip(" \t")
