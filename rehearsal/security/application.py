"""A process that uses the client package as an application does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_CLIENT = _ROOT / "client"
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # OpenSSL's own variables
SECONDS = 60  # the longest that one may take


def run(program: Sequence[str], authority: Path | None, said: str = "") -> tuple[int, str]:
    """Its status and its output; `said` is its standard input, where a token stays unseen.

    It trusts this authority alone or, without one, whom this process trusts. It is ended, and
    subprocess.TimeoutExpired raised, after SECONDS.
    """
    if authority is None:
        trust = {name: os.environ[name] for name in _TRUST if name in os.environ}
    else:
        nowhere = authority.parent / "no-others"
        trust = {"SSL_CERT_FILE": str(authority), "SSL_CERT_DIR": str(nowhere)}
    done = subprocess.run(
        [*program],
        input=said,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_CLIENT), "LANG": "C.UTF-8", **trust},
        cwd=_ROOT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout
