"""Does what the parent writes on standard input, one JSON object a line, and answers likewise."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from typing import Any, TextIO

import uvloop

from benchmarks.limiter.measured.session import Session


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
