"""The users: locust, told what to do, in a process of its own."""

from __future__ import annotations

import resource
from pathlib import Path

from emulator.errors import RehearsalError
from rehearsal.load.machine import shared_out
from rehearsal.load.order import Order
from rehearsal.load.programs import Program

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Longer than any request waits: what was sent is answered and written down.
_STOP = 12  # seconds
_OTHER_FILES = 100


def generator(order: Order, folder: Path) -> Program:
    """Started; it ends by itself when the plan does.

    Raises RehearsalError if this machine lets no process hold as many connections.
    """
    plan = order.plan
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < plan.users + _OTHER_FILES:
        raise RehearsalError(
            f"a process may open {most} files here, and {plan.users} users need "
            f"{plan.users + _OTHER_FILES}: raise the hard limit of ulimit -n"
        )
    words = [
        "locust",
        *("--locustfile", str(_LOCUSTFILE)),
        "--headless",
        *("--host", order.urls[0]),
        *("--users", str(plan.users)),
        *("--spawn-rate", f"{plan.spawn_rate:g}"),
        *("--run-time", f"{plan.end:g}s"),
        *("--stop-timeout", str(_STOP)),
        "--only-summary",
        *("--loglevel", "WARNING"),
        # Refused and failed requests are judged here, not there.
        *("--exit-code-on-error", "0"),
    ]
    return Program("generator", words, {"LOAD": order.text()}, folder, shared_out()[1])
