"""A process next to a rehearsal: lines go both ways, and it is ended whatever happens."""

import os
import select
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Self

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


class Program:
    """A command that ends with this process; what it says on standard error is in `log`.

    As a context it is ended, first kindly; with `ready` it is waited for before, until it prints a
    line. `variables` are all that it sees of the environment. With `cores` it runs on those alone.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: Path,
        *,
        cores: Collection[int] = (),
        ready: bool = False,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._ready = ready
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
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
            os.sched_setaffinity(self._process.pid, cores)

    def __enter__(self) -> Self:
        """The program itself."""
        if self._ready:
            self.read_line()
        return self

    def __exit__(self, *raised: object) -> None:
        """End it, whatever happened."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_GRACE if raised[0] is None else 1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def write_line(self, line: str) -> None:
        """Write a line to its standard input. Raises RehearsalError if it has ended."""
        pipe = self._process.stdin
        try:
            if pipe is None:
                raise BrokenPipeError
            pipe.write(line + "\n")
            pipe.flush()
        except BrokenPipeError:
            raise RehearsalError(self.last_words()) from None

    def read_line(self) -> str:
        """The next line that it prints. RehearsalError, and its end, if there is none in time."""
        pipe = self._process.stdout
        line = ""
        if pipe is not None and select.select([pipe], [], [], _PATIENCE)[0]:
            line = pipe.readline()
        if not line:
            self._process.kill()
            raise RehearsalError(self.last_words())
        return line.strip()

    def output(self, seconds: float = _PATIENCE) -> str:
        """What it prints at its end, which its standard input's end asks for.

        RehearsalError if it does not end well, or in time.
        """
        try:
            text, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"{self.name} did not end in {seconds:g} s") from None
        if self._process.returncode:
            raise RehearsalError(self.last_words())
        return text

    def last_words(self) -> str:
        """What it said last, for an error's text."""
        said = self.log.read_text(errors="replace").strip().splitlines()
        return f"{self.name}: {said[-1] if said else 'it ended, or fell silent, without a word'}"
