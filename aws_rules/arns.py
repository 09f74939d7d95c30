"""Wildcards as IAM reads them."""

import re
from functools import cache

_SEGMENTS = 6  # arn:partition:service:region:account:resource


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = (
        ".*" if character == "*" else "." if character == "?" else re.escape(character)
        for character in glob
    )
    return re.compile("".join(parts), re.DOTALL)


def like(value: str, glob: str) -> bool:
    """Whether ``*`` (any text) and ``?`` (one character) make the glob equal to the value."""
    return _pattern(glob).fullmatch(value) is not None


def arn_like(arn: str, glob: str) -> bool:
    """As `like`, but each of an ARN's six parts separately; a single ``*`` is everything.

    IAM user guide, "ARN condition operators". For the Resource element this is the stricter
    reading: a wildcard never matches a part that was left out.
    """
    if glob == "*":
        return True
    wanted, found = glob.split(":", _SEGMENTS - 1), arn.split(":", _SEGMENTS - 1)
    return len(wanted) == len(found) == _SEGMENTS and all(
        like(value, part) for part, value in zip(wanted, found, strict=True)
    )
