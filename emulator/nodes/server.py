"""One server process: start, control connection, exit and stop."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry

from emulator.nodes.config import CONTROL_USER, Settings, render
from emulator.nodes.waiting import until

START_SECONDS = 120.0
STOP_SECONDS = 60.0
PATIENCE_SECONDS = 60.0

# The kernel ends a server when the thread that started it ends: this one lives as long as we do.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


class ServerFailedError(Exception):
    """A server ended while it started."""


class Server:
    """A running server. `on_exit` is called, in a thread of its own, only if it ends unasked."""

    def __init__(self, settings: Settings, on_exit: Callable[[Server], None]) -> None:
        self.settings = settings
        self._on_exit = on_exit
        self._asked_to_stop = False
        self._process = _starter.submit(_spawn, settings).result()
        ca_file = None if settings.identity is None else str(settings.authority)
        login = {"username": CONTROL_USER, "password": settings.control.password}
        self.control = connect(settings.address, settings.spec.port, ca_file=ca_file, **login)
        threading.Thread(target=self._watch, daemon=True, name="server-watch").start()
        try:
            engine = settings.spec.engine
            until(self._answers, START_SECONDS, f"{engine.name} {engine.version} answers")
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id, to inspect it or to kill it in a test of failover."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def call(self, command: str, *arguments: str | int) -> Any:
        """Run a command as the rehearsal's own user, restricted ones included."""
        words = (self.settings.control.command(command), *arguments)
        return self.control.execute_command(*words)  # type: ignore[no-untyped-call]

    def info(self, section: str = "default") -> dict[str, Any]:
        """INFO, parsed; `section` is the server's name of it."""
        parsed: dict[str, Any] = self.control.info(section)
        return parsed

    def stop(self) -> None:
        """End the process without saving and wait until it is gone."""
        self._asked_to_stop = True
        self.control.close()
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=STOP_SECONDS)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _watch(self) -> None:
        self._process.wait()
        if not self._asked_to_stop:
            self._on_exit(self)

    def _answers(self) -> bool:
        if not self.alive:
            raise ServerFailedError(f"the server ended while starting: {self._log_tail()}")
        try:
            return bool(self.control.ping())
        except (redis.exceptions.BusyLoadingError, redis.exceptions.ConnectionError):
            return False

    def _log_tail(self) -> str:
        said = self._process.communicate()[1].decode().strip().splitlines()
        if not said:
            log = self.settings.folder / "server.log"
            return log.read_text().splitlines()[-1] if log.exists() else "it left no log"
        # Of a refused line only the directive's name is shown: the rest may be a password.
        names = [line.split()[1].strip("'\"") for line in said if line.startswith(">>> ")]
        return " ".join([*names, said[-1]])


def _spawn(settings: Settings) -> subprocess.Popen[bytes]:
    # An unnamed file in memory: no other process can read it, and it is complete before the start.
    config = os.memfd_create("server-config")
    try:
        os.write(config, render(settings).encode())
        os.lseek(config, 0, os.SEEK_SET)
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(settings.spec.engine.program), "-"],
            stdin=config,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=settings.spec.engine.environment,
            cwd=settings.folder,
            start_new_session=True,
        )
    finally:
        os.close(config)


class _TrustingOneAuthority(SSLConnection):
    # redis-py reads all of the system's certificates for each connection, which takes 50 ms.
    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        trust = ssl.create_default_context(cafile=self.ca_certs)
        return trust.wrap_socket(sock, server_hostname=self.host)


def connect(host: str, port: int, *, ca_file: str | None, **login: Any) -> redis.Redis:
    """A client that never tries twice; without `ca_file` it connects without TLS.

    `login` is username and password, as redis-py takes them.
    """
    tls: dict[str, Any] = {"connection_class": Connection}
    if ca_file is not None:
        tls = {"connection_class": _TrustingOneAuthority, "ssl_ca_certs": ca_file}
    pool = redis.ConnectionPool(
        host=host,
        port=port,
        decode_responses=True,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        **tls,
        **login,
    )
    return redis.Redis.from_pool(pool)
