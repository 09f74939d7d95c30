"""Processes of the load test: each ends with it, however it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from emulator.errors import RehearsalError

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-trials" / "bin" / "python"
_GRACE = 10.0  # seconds until a process that was asked to end is killed


class Program:
    """`python -m <words>` in the trials' environment; what it complains of is in a file.

    As a context it is ended, first kindly. `variables` are all that it sees of the environment.
    With `cores` it runs on those alone.
    """

    def __init__(
        self,
        name: str,
        words: list[str],
        variables: Mapping[str, str],
        folder: Path,
        cores: Collection[int] = (),
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(PYTHON), "-m", *words],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": f"{ROOT}:{ROOT}/client",
                    **variables,
                },
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
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End it, whatever happened."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_GRACE if kind is None else 1.0)
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

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, by itself, before so many seconds are over."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def say(self, line: str) -> None:
        """Write a line to its standard input. Raises RehearsalError if it has ended."""
        pipe = self._process.stdin
        try:
            if pipe is None:
                raise BrokenPipeError
            pipe.write(line + "\n")
            pipe.flush()
        except BrokenPipeError:
            raise RehearsalError(self.last_words()) from None

    def hear(self, seconds: float) -> str:
        """The next line that it prints. Raises RehearsalError if there is none in time."""
        pipe = self._process.stdout
        line = ""
        if pipe is not None and select.select([pipe], [], [], seconds)[0]:
            line = pipe.readline()
        if not line:
            raise RehearsalError(self.last_words())
        return line.strip()

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises RehearsalError if it does not end well, or in time."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"{self.name} did not end in {seconds:g} s") from None
        if code:
            raise RehearsalError(self.last_words())

    def last_words(self) -> str:
        """What it said last, for an error's text."""
        said = self.log.read_text(errors="replace").strip().splitlines()
        return f"{self.name}: {said[-1] if said else 'it ended, or fell silent, without a word'}"
