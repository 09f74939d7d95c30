"""A process next to a rehearsal: lines go both ways, and it is ended whatever happens."""

import os
import select
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from emulator.clean_environment import ROOT
from rehearsal.common.errors import RehearsalError

_GRACE = 10.0  # seconds until a process that was asked to end is killed
_PATIENCE = 120.0  # seconds for a line, and for the end


def interruptible() -> None:
    """Let SIGTERM end this process as Ctrl-C does, whoever started it."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)


class Program(subprocess.Popen[str]):
    """A command that ends with this process; what it says on standard error is in `log`.

    As a context it is ended, first kindly. `variables` are all that it sees of the environment.
    With `cores` it runs on those alone.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: Path,
        *,
        cores: Collection[int] = (),
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            super().__init__(
                ["setpriv", "--pdeathsig", "KILL", *command],
                cwd=ROOT,
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        if cores:
            os.sched_setaffinity(self.pid, cores)

    def __exit__(self, *raised: Any) -> None:
        """End it, whatever happened."""
        self.terminate()
        try:
            self.wait(_GRACE if raised[0] is None else 1.0)
        except subprocess.TimeoutExpired:
            self.kill()
        with suppress(BrokenPipeError):  # what it no longer reads
            super().__exit__(*raised)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.poll() is None

    def write_line(self, line: str) -> None:
        """Write a line to its standard input. Raises RehearsalError if it has ended."""
        try:
            print(line, file=self.stdin, flush=True)
        except BrokenPipeError:
            raise RehearsalError(self.last_words()) from None

    def read_line(self) -> str:
        """The next line that it prints. RehearsalError, and its end, if there is none in time."""
        pipe = self.stdout
        line = ""
        if pipe is not None and select.select([pipe], [], [], _PATIENCE)[0]:
            line = pipe.readline()
        if not line:
            self.kill()
            raise RehearsalError(self.last_words())
        return line.strip()

    def output(self, seconds: float = _PATIENCE) -> str:
        """What it prints at its end, which its standard input's end asks for.

        RehearsalError if it does not end well, or in time.
        """
        try:
            text, _ = self.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"{self.name} did not end in {seconds:g} s") from None
        if self.returncode:
            raise RehearsalError(self.last_words())
        return text

    def last_words(self) -> str:
        """What it said last, for an error's text."""
        said = self.log.read_text(errors="replace").strip().splitlines()
        return f"{self.name}: {said[-1] if said else 'it ended, or fell silent, without a word'}"
