"""What all groups of one rehearsal share: a folder, addresses, the authority, the forwarder."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from emulator.nodes.addresses import Addresses
from emulator.nodes.forwarder import Forwarder
from emulator.nodes.tls import Authority


class Ground:
    """Loopback ground for any number of groups; give it an empty folder and stop it at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.authority = Authority(self.folder)
        self.addresses = Addresses()
        self.forwarder = Forwarder()

    @property
    def ca_file(self) -> Path:
        """The certificate that a client must trust."""
        return self.authority.file

    def stop(self) -> None:
        """Close the addresses and give the block back: stop the groups first."""
        self.forwarder.stop()
        self.addresses.release()

    def __enter__(self) -> Ground:
        """The ground itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever happened."""
        self.stop()
