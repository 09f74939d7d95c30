"""Serve the example: ``python -m example --port 8000 --workers 2``."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from example.app import create


def main() -> int:
    """Serve until SIGINT or SIGTERM; 1 with one line when the settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m example")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    try:
        create()  # here, and not as a traceback of every process
    except ValueError as mistake:
        print(f"example: {mistake}", file=sys.stderr)
        return 1
    uvicorn.run(
        "example.app:create",
        factory=True,
        host="127.0.0.1",
        port=arguments.port,
        workers=arguments.workers,
        access_log=False,
        # uvicorn believes X-Forwarded-For of any peer on this machine: here TRUSTED_PROXIES rules.
        proxy_headers=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
