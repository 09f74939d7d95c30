"""Clients in a process of their own, beside a rehearsal."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from emulator.clean_environment import ROOT
from emulator.errors import RehearsalError

_READY = 90  # seconds
_ENDED = 90  # seconds


class ClientProcess:
    """`python -m <words>`, which prints a line when it is ready and ends with its standard input.

    As a context it is waited for, and killed at the end, whatever happened. What it says on
    standard error is in `log`.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until every client has had its first answers."""
        self._wait()
        return self

    def tell(self, word: str) -> None:
        """Tell the clients this, and wait for the line that says that all have heard it."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        self._wait()

    def _wait(self) -> None:
        out = self._process.stdout
        if out is None or not select.select([out], [], [], _READY)[0] or not out.readline():
            self._kill()
            raise RehearsalError(f"the clients do not answer: see {self.log.name}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End them, whatever happened."""
        self._kill()

    def told(self) -> str:
        """Let every client end its last round, and return what they print at the end."""
        try:
            told, _ = self._process.communicate(timeout=_ENDED)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"the clients did not end: see {self.log.name}") from None
        if self._process.returncode:
            raise RehearsalError(f"the clients ended by themselves: see {self.log.name}")
        return told

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
