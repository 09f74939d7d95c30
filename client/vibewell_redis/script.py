"""The script that decides, and the words in which it is asked and answers."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

SCRIPT = files(__package__).joinpath("scripts/sliding_window.lua").read_bytes()
SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()

MOST_KEYS = 127  # of one decision: the eighth bit of its byte says that it only asks
_ASKS = 128
_POLICY = struct.Struct(">II")


def policy(requests: int, milliseconds: int) -> bytes:
    """What a key admits: so many requests in so many milliseconds."""
    return _POLICY.pack(requests, milliseconds)


def shape(keys: int, *, asks: bool) -> int:
    """The byte that says how many keys a decision has, and whether it only asks."""
    return keys | _ASKS if asks else keys


def asks(shape: int) -> bool:
    """Whether a decision of this shape only asks."""
    return shape >= _ASKS


def words(
    command: bytes, source: bytes, keys: Sequence[bytes], shapes: bytes, policies: bytes
) -> tuple[bytes | int, ...]:
    """EVALSHA with the digest or EVAL with the script, as the packer takes it."""
    return (command, source, len(keys), *keys, shapes, policies)


def reply_bytes(keys: int) -> int:
    """How long the reply to one decision is."""
    return 1 + 8 * keys


@cache
def reply_of(keys: int) -> struct.Struct:
    """The reply to one decision: 1 if admitted, then remaining and milliseconds for each key."""
    return struct.Struct(">B" + "II" * keys)
