"""Surroundings of functions: packages, the record of connections, the names of endpoints."""

import importlib.util
import json
import os
import socket
from pathlib import Path
from typing import Any

from emulator.aws.patches.endpoints import has_name
from emulator.iam.reference import ACTIONS
from emulator.nodes.context import Authority

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


class PrivateLink:
    """The embedded AWS at the names of interface endpoints: TLS on a loopback port of its own.

    It has the listening socket, and the certificate for every service's endpoints.

    Functions trust ``ca.pem`` in ``folder``.
    """

    def __init__(self, folder: Path, region: str) -> None:
        folder.mkdir(mode=0o700)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.fileno = self._socket.fileno()
        hosts = [f"*.{service}.{region}.vpce.amazonaws.com" for service in ACTIONS]
        identity = Authority(folder).issue(folder, [], hosts)
        self.certificate, self.key = str(identity.certificate), str(identity.key)

    def resolve(self, name: str) -> int | None:
        """The port that a name leads to; None where no endpoint has it."""
        return self.port if has_name(name) else None
