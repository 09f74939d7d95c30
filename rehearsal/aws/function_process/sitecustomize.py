"""Python runs this first in everything that the embedded AWS starts; it concerns functions.

- A function sees what AWS's Python runtime has, boto3 and what that needs, and what it brings
  itself: a package that happens to be installed here would be missing there.
- Each connection that it opens is written down. A first line without a host says that the process
  is watched: a function without one ran outside of this.
"""

import json
import os
import sys
import time

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


if FUNCTION:
    _see_only_the_runtime()
    _write_connections_down(FUNCTION)
