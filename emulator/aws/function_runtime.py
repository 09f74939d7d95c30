"""The packages that a function can import, and the record of its connections."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

# What AWS's Python runtime brings: boto3 and what boto3 needs (Lambda developer guide).
_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def prepare() -> None:
    """Link the runtime's packages into the folder that functions import from."""
    folder = Path(os.environ["REHEARSAL_RUNTIME"])
    folder.mkdir()
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise SystemExit(f"rehearsal: {name} is missing: run 'make setup-rehearsal'")
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        (folder / target.name).symlink_to(target)


def connections(private_link: int) -> list[dict[str, Any]]:
    """Each TCP connection of a function to something else than AWS: function, host, port, time.

    ``private_link`` is the second port that AWS has here.
    """
    aws = (int(os.environ["GATEWAY_PORT"]), private_link)
    return [entry for entry in _record() if entry["host"] is not None and entry["port"] not in aws]


def watched() -> list[str]:
    """The functions whose processes were watched from their beginning."""
    return sorted({entry["function"] for entry in _record()})


def _record() -> list[dict[str, Any]]:
    file = Path(os.environ["REHEARSAL_CONNECTIONS"])
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]
