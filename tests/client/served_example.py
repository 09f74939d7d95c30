"""The example application in processes of its own, under the real server."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.support import ROOT

_STARTS_WITHIN = 120.0  # seconds
_ENDS_WITHIN = 60.0
PROXY = "127.0.0.1"  # what the tests make the application trust


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any


class Example(NamedTuple):
    """Where it listens; a request of its own connection each, from a loopback address."""

    port: int
    process: subprocess.Popen[str]

    def get(self, path: str, *, source: str = PROXY, **headers: str) -> Response:
        """Header names are written with underscores."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(source, 0)
        )
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=sent)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, fields, json.loads(answer.read()))
        finally:
            connection.close()

    def end(self) -> str:
        """Ask it to end, and return what it has logged."""
        self.process.terminate()
        log, _ = self.process.communicate(timeout=_ENDS_WITHIN)
        return log


@contextmanager
def serving(variables: Mapping[str, str], *, workers: int = 1) -> Iterator[Example]:
    """Serve it until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(variables, "--port", str(port), "--workers", str(workers))
    try:
        example = Example(port, process)
        _await(example)
        yield example
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def start(variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """The command that users type."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REDIS_", "RATE_LIMIT_"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "example", *arguments],
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": "client", "TRUSTED_PROXIES": PROXY, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _await(example: Example) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            assert example.get("/healthz").status == 200
        except ConnectionRefusedError:
            if example.process.poll() is not None or time.monotonic() > deadline:
                example.process.kill()
                log, _ = example.process.communicate()
                raise AssertionError(f"the example does not serve: {log}") from None
            time.sleep(0.05)  # the server tells nobody when it listens
        else:
            return
