"""What the run was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from rehearsal.load.programs import PYTHON

_IN_THE_TRIALS = ("locust", "starlette", "uvicorn", "redis", "hiredis", "uvloop", "httptools")


def shared_out() -> tuple[set[int], set[int]]:
    """The application's cores and the generator's, so that neither pays for the other.

    The generator has the last one alone; on a single core both are empty: they share it.
    """
    there = sorted(os.sched_getaffinity(0))
    return set(there[:-1]), set(there[-1:] if there[1:] else ())


def machine() -> dict[str, str]:
    """Cores, memory, kernel and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": f"{os.cpu_count()}, {_processor()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "Python": f"{platform.python_version()}, redis {version('redis')}",
    } | _versions()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    ask = "import sys;from importlib.metadata import version as v;print(*map(v,sys.argv[1:]))"
    told = subprocess.run(
        [str(PYTHON), "-c", ask, *_IN_THE_TRIALS],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(zip(_IN_THE_TRIALS, told.stdout.split(), strict=True))
