"""Loopback addresses that no other rehearsal uses, so that every node can have the plan's port."""

from __future__ import annotations

import itertools
import os
import socket

# 127.0.x.y is left to the machine (resolvers listen there); each rehearsal takes one of the rest.
FIRST_BLOCK, LAST_BLOCK = 64, 250
LOCK_PORT = 16379


class Addresses:
    """One block 127.N.0.0/16, held by a bound socket: the kernel frees it when the process ends.

    An address is handed out once and never again, as in AWS a replaced node gets a new one.
    """

    def __init__(self) -> None:
        self._lock, self.block = _claim()
        self._hosts = itertools.count(256)

    def take(self) -> str:
        """The next unused address of the block."""
        host = next(self._hosts)
        return f"127.{self.block}.{host >> 8}.{host & 255}"

    def release(self) -> None:
        """Give the whole block back."""
        self._lock.close()


def _claim() -> tuple[socket.socket, int]:
    count = LAST_BLOCK - FIRST_BLOCK + 1
    for step in range(count):
        block = FIRST_BLOCK + (os.getpid() + step) % count
        lock = socket.socket()
        try:
            lock.bind((f"127.{block}.255.254", LOCK_PORT))
        except OSError:
            lock.close()
        else:
            return lock, block
    raise OSError(
        "no loopback block 127.64.0.0 to 127.250.0.0 is free: "
        f"another program listens on port {LOCK_PORT} of all addresses, or {count} rehearsals run"
    )
