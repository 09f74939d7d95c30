"""Processes as the machine shows them: their environment and their arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process; `shown` holds its environment and its arguments, by those names."""

    pid: int
    name: str
    shown: Mapping[str, bytes]


def of_rehearsal(server: int) -> Iterator[Process]:
    """Our own process and the server of that id, with everything that they started."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        parent = _parent(folder)
        if parent is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = set[int](), [os.getpid(), server]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    for pid in sorted(found):
        process = _process(pid)
        if process is not None:
            yield process


def _parent(folder: Path) -> int | None:
    try:
        # The name before it, in brackets, may hold anything.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # it has ended


def _process(pid: int) -> Process | None:
    folder = _PROC / str(pid)
    try:
        shown = {
            "environment": (folder / "environ").read_bytes(),
            "arguments": (folder / "cmdline").read_bytes(),
        }
        return Process(pid, (folder / "comm").read_text().strip(), shown)
    except OSError:
        return None
