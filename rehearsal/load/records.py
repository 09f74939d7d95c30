"""What a client saw of one request, in a file that grows while the load runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_RECORD = struct.Struct("<QQQQQQIHBB")
SOURCES = ("", "redis", "memory", "fallback", "disabled")


class Record(NamedTuple):
    """Times are nanoseconds of the machine's monotonic clock, which all processes share.

    The request was `due`, and `sent` and its answer `received` by the generator. The application
    `began` with it and had `answered` it, and the limiter took `limited` nanoseconds of that: all
    three are 0 if it does not say. `status` is 0 if there was no answer; `tier` is its place in the
    plan.
    """

    due: int
    sent: int
    began: int
    limited: int
    answered: int
    received: int
    client: int
    status: int
    tier: int
    source: str

    def pack(self) -> bytes:
        """As it stands in the file; a source that nobody knows stands as none."""
        source = SOURCES.index(self.source) if self.source in SOURCES else 0
        return _RECORD.pack(*self[:-1], source)


class Reader:
    """Reads what has been added since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def news(self) -> Iterator[Record]:
        """The records that are complete by now."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = len(data) - len(data) % _RECORD.size
        self._at += whole
        for *numbers, source in _RECORD.iter_unpack(data[:whole]):
            yield Record._make((*numbers, SOURCES[source]))
