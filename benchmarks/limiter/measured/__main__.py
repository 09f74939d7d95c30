"""Does what the parent writes on standard input, one JSON object a line, and answers likewise."""

import asyncio
import gc
import json
import os
import sys
from typing import Any, TextIO

import uvloop

from benchmarks.limiter.measured import load
from benchmarks.limiter.measured.candidates import make


class Session:
    """One candidate; every method is a command and returns what JSON can carry."""

    def __init__(self) -> None:
        self._candidate: Any = None

    async def open(self, candidate: str, variables: dict[str, str], deadline: float | None) -> None:
        """Make the candidate and let it connect."""
        self._candidate = make(candidate, variables, deadline)
        await self._candidate.connect()

    async def closed(self, scenario: str, seconds: float, callers: int) -> dict[str, Any]:
        """Closed loops of tasks."""
        ask = getattr(self._candidate, scenario)
        return await self._counted(load.closed(ask, load.pairs(), seconds, callers))

    async def threads(self, scenario: str, seconds: float, callers: int) -> dict[str, Any]:
        """Closed loops of threads; the event loop waits for them."""
        ask = getattr(self._candidate, scenario)

        async def work() -> dict[str, Any]:
            return load.threads(ask, load.pairs(), seconds, callers)

        return await self._counted(work())

    async def look(self, user: str, ip: str) -> list[Any]:
        """Decide once; what the headers would say of each."""
        answer = await self._candidate.headers(user, ip)
        return [] if answer is None else [list(one) for one in answer]

    async def _counted(self, work: Any) -> dict[str, Any]:
        # A library answers from Redis or raises.
        unmeasured = getattr(self._candidate, "unmeasured", int)
        before = unmeasured()
        result: dict[str, Any] = await work
        return {**result, "unmeasured": unmeasured() - before}


def main() -> None:
    """Until the parent closes standard input."""
    answers = _private_stdout()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        session = Session()
        # As a server does once it is set up: the libraries that stay are not searched for garbage
        # again and again, whichever is measured.
        gc.freeze()
        for line in sys.stdin:
            command: dict[str, Any] = json.loads(line)
            act = getattr(session, command.pop("do"))
            answers.write(json.dumps(runner.run(act(**command))) + "\n")
            answers.flush()


def _private_stdout() -> TextIO:
    # A library that prints must not break the protocol: its words go to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
