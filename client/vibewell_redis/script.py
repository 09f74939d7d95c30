"""The script that decides, and the words in which it is asked and answers."""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_log = logging.getLogger("vibewell_redis")

try:
    SCRIPT = files(__package__).joinpath("scripts/sliding_window.lua").read_bytes()
except FileNotFoundError:
    raise ImportError(
        "vibewell_redis is bundled without scripts/sliding_window.lua: add its data, "
        "for PyInstaller with --collect-data vibewell_redis"
    ) from None
SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()

_DIGEST, WHOLE = (b"EVALSHA", SHA), (b"EVAL", SCRIPT)
# If it is forgotten twice within so many seconds, it is sent whole for so many.
_SOON, _WHOLE_SECONDS = 1.0, 60.0

MOST_KEYS = 127  # of one decision
# Its shape, a byte: how many keys it has, and the eighth bit says that it only asks.
KEYS, _ASKS = 127, 128

# The longest window whose times are kept in microseconds. Ticks are compared modulo 2**32, and the
# last of a key that lives for a window and an eighth must be younger than half of that.
MOST_FINE_SECONDS = 1800
_COARSE = 1 << 31
_POLICY = struct.Struct(">II")

# How long the part of a key is in the reply; a decision's own is one byte more than its keys'.
KEY_BYTES = 12


def is_coarse(seconds: int) -> bool:
    """Whether the times of so long a window are kept in milliseconds."""
    return seconds > MOST_FINE_SECONDS


def policy(requests: int, seconds: int) -> bytes:
    """What a key admits: so many requests in so many seconds, in the ticks of its window."""
    if is_coarse(seconds):
        return _POLICY.pack(requests + _COARSE, seconds * 1000)
    return _POLICY.pack(requests, seconds * 1_000_000)


# What counts for so many seconds that something was cleared; no more clears than these are counted.
CLEAR_SECONDS = 4
MOST_CLEARS = 1000
CLEARED = policy(MOST_CLEARS, CLEAR_SECONDS)


def shape(keys: int, *, asks: bool) -> int:
    """The byte that says how many keys a decision has, and whether it only asks."""
    return keys | _ASKS if asks else keys


def asks(shape: int) -> bool:
    """Whether a decision of this shape only asks."""
    return shape >= _ASKS


class Sending:
    """Whether the script goes as its digest, or whole because Redis does not keep it."""

    def __init__(self) -> None:
        self._forgotten_at = -float("inf")
        self._whole_until = -float("inf")

    def source(self, now: float) -> tuple[bytes, bytes]:
        """The command and its source. ``now`` is seconds of the monotonic clock."""
        return WHOLE if now < self._whole_until else _DIGEST

    def forgotten(self, now: float) -> tuple[bytes, bytes]:
        """Redis does not know the digest: it is restarted, or has just taken over.

        One that soon does not know it again does not keep scripts: for a while it gets it whole.
        """
        if now - self._forgotten_at < _SOON:
            if self._whole_until < now - _WHOLE_SECONDS:
                _log.warning("Redis does not keep the limiter's script: it is sent each time")
            self._whole_until = now + _WHOLE_SECONDS
        self._forgotten_at = now
        return WHOLE


def words(
    source: tuple[bytes, bytes], keys: Sequence[bytes], shapes: bytes, policies: bytes
) -> tuple[bytes | int, ...]:
    """EVALSHA with the digest or EVAL with the script, as the packer takes it."""
    return (*source, len(keys), *keys, shapes, policies)


@cache
def reply_of(keys: int) -> struct.Struct:
    """The reply to one decision: 1 if admitted, then remaining and seconds for each key."""
    return struct.Struct(">B" + "Id" * keys)
