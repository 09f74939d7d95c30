"""`make example`: the example on three nodes of a rehearsal, until Ctrl-C.

usage: python -m rehearsal.common.example [PORT]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from emulator.bare_nodes import started, variables
from rehearsal.common.program import interruptible

WORKERS = 2
TRY = """
Three nodes of Redis 6.2 with TLS, and {workers} processes of the example. Try:

  # 30 requests per minute from this address, and 30 of this user
  curl -i -H 'X-Demonstration-User: 42' {url}/login
  # 5 a minute: the sixth is refused, whichever process it reaches
  for i in 1 2 3 4 5 6; do curl -i {url}/mfa; done
  # still refused: only trusted proxies may set the header
  curl -i -H 'X-Forwarded-For: 203.0.113.7' {url}/mfa
  # never limited
  curl -i {url}/healthz

Ctrl-C ends all of it.
"""


def main() -> int:
    """Start all, wait for the application's end, and leave nothing behind."""
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    interruptible()
    with tempfile.TemporaryDirectory(prefix="vibewell-example-") as folder:
        try:
            with started(Path(folder) / "nodes") as nodes:
                return _serve(port, variables(nodes, instances=WORKERS))
        except KeyboardInterrupt:
            return 0


def _serve(port: str, environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "example", "--port", port, "--workers", str(WORKERS)]
    application = subprocess.Popen(command, env=os.environ | environment)
    try:
        print(TRY.format(workers=WORKERS, url=f"http://127.0.0.1:{port}"), flush=True)
        return application.wait()
    finally:
        application.terminate()
        try:
            application.wait(timeout=10)
        except subprocess.TimeoutExpired:
            application.kill()
            application.wait()


if __name__ == "__main__":
    sys.exit(main())
