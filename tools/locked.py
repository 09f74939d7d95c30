"""Runs one step of make at a time, whoever started it: two make commands share what they build.

usage: locked.py STAMP COMMAND…

The stamp is made newer when the command succeeds. Where another process made it newer while this
one waited, the step is done and the command does not run. Nothing but Python is needed.
"""

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

LONGEST = 1800  # seconds to wait for another process


def main(arguments: list[str]) -> int:
    """The command's status; 0 if another process did the step; 1 after LONGEST."""
    stamp, *command = arguments
    before = _time(Path(stamp))
    lock = Path("build") / f"{stamp.replace('/', '-')}.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.alarm(LONGEST)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except KeyboardInterrupt:
            print(f"make: another process makes {stamp} and does not end", file=sys.stderr)
            return 1
        signal.alarm(0)
        if _time(Path(stamp)) != before:
            return 0
        try:
            status = subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:  # the command, which has had the same signal, says so
            return 130
        if not status:
            Path(stamp).touch()
        return status


def _time(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
