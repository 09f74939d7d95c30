"""Addresses that stay the same while the nodes behind them change roles."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

PROGRAM = Path(__file__).with_name("forwarder_process.py")
ANSWER_SECONDS = 10.0

Address = tuple[str, int]


class Forwarder:
    """Runs the forwarding process, which ends when this process does, however that comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(PROGRAM)], stdin=theirs.fileno(), start_new_session=True
            )
        self._line = ours
        self._answers = ours.makefile("r")

    def point(self, listen: Address, targets: list[Address] | None) -> None:
        """Send new connections to `listen` to these targets in turn. Raises OSError if taken.

        None stops listening there and cuts what is connected.
        """
        order = json.dumps({"listen": listen, "targets": targets}) + "\n"
        with self._lock:
            self._line.sendall(order.encode())
            answer = self._answers.readline().strip()
        if answer != "ok":
            raise OSError(answer or "the forwarder has ended")

    def stop(self) -> None:
        """End the process and every connection through it."""
        with self._lock:
            self._answers.close()
            self._line.close()
            self._process.wait(timeout=ANSWER_SECONDS)
