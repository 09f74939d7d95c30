"""The embedded AWS at the names of interface endpoints: over TLS, on a loopback port of its own."""

import socket
from pathlib import Path

from emulator.aws.patches.endpoints import has_name
from emulator.iam.reference import ACTIONS
from emulator.nodes.context import Authority


class PrivateLink:
    """The listening socket, and the certificate that it shows for every service's endpoints.

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
