"""Python runs this first in everything that the embedded AWS starts; it concerns functions.

- A function sees what AWS's Python runtime has, boto3 and what that needs, and what it brings
  itself: a package that happens to be installed here would be missing there.
- Each connection that it opens is written down. A first line without a host says that the process
  is watched: a function without one ran outside of this.
- An interface endpoint's own name leads to the embedded AWS, over TLS, as long as the endpoint is
  there. No other name is touched.
"""

import json
import os
import socket
import sys
import time
from typing import Any
from urllib.request import urlopen

FUNCTION = os.environ.get("_LAMBDA_FUNCTION_ARN")


def _see_only_the_runtime() -> None:
    sys.path[:] = [path for path in sys.path if not path.endswith("site-packages")]
    sys.path.append(os.environ["REHEARSAL_RUNTIME"])


def _write_connections_down(function: str) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    record = os.open(os.environ["REHEARSAL_CONNECTIONS"], flags, 0o600)

    def write(host: str | None, port: int) -> None:
        entry = {"function": function, "host": host, "port": port, "time": time.time()}
        # One write of a short line: processes may share the file.
        os.write(record, json.dumps(entry).encode() + b"\n")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            write(str(arguments[1][0]), int(arguments[1][1]))

    write(None, 0)
    sys.addaudithook(hook)


def _find_endpoints_by_name() -> None:
    ask = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.endswith(".vpce.amazonaws.com"):
            resolve = f"{os.environ['AWS_ENDPOINT_URL']}/_rehearsal/resolve?name={name}"
            with urlopen(resolve, timeout=10) as answer:  # noqa: S310 - loopback
                port = json.load(answer)
            if port is None:
                raise socket.gaierror(socket.EAI_NONAME, f"no endpoint is named {name}")
            host = "127.0.0.1"
        return ask(host, port, *more, **named)

    socket.getaddrinfo = look_up


if FUNCTION:
    _see_only_the_runtime()
    _write_connections_down(FUNCTION)
    _find_endpoints_by_name()
