"""A command at a terminal: what it prints, and what a person types."""

import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

from rehearsal import commands
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal

_LONGEST = 300  # seconds until the words come that are waited for, or the end


class TypingTerminal:
    """Runs one command on a terminal of its own; `close` ends it if it has not ended."""

    def __init__(
        self, rehearsal: Rehearsal, command: list[str], folder: Path | None = None
    ) -> None:
        """In `folder`, without one in the rehearsal's checkout."""
        self._ours, theirs = pty.openpty()
        self._printed = ""
        self._process = subprocess.Popen(
            command,
            cwd=folder or rehearsal.checkout.folder,
            env=commands.environment(rehearsal),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, words: str, *, times: int = 1) -> str:
        """Everything that was printed, once these words were; RehearsalError if it ends before."""
        deadline = time.monotonic() + _LONGEST
        while self._printed.count(words) < times:
            if not self._read(deadline):
                raise RehearsalError(f"it ended without {words!r}:\n{self._printed}")
        return self._printed

    def type(self, line: str) -> None:
        """One line, with the key that ends it."""
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> tuple[int, str]:
        """Its exit status and everything that it printed."""
        deadline = time.monotonic() + _LONGEST
        while self._read(deadline):
            pass
        status = self._process.wait(timeout=_LONGEST)
        self.close()
        return status, self._printed

    def close(self) -> None:
        """End it with everything that it started, as a machine that stops would."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def _read(self, deadline: float) -> bool:
        """Read what there is; False when the command's side of the terminal is closed."""
        ready, _, _ = select.select([self._ours], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise RehearsalError(f"nothing more came within {_LONGEST} s:\n{self._printed}")
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux's answer at the end of a terminal
            return False
        self._printed += read.decode(errors="replace")
        return bool(read)
