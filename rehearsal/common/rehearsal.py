"""One rehearsal: its folder, its embedded AWS, its copy of the checkout."""

import fcntl
import json
import shutil
import uuid
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from emulator.clean_environment import ROOT
from emulator.embedded_aws import EmbeddedAws, end_group
from rehearsal.common.cdk import Cdk
from rehearsal.common.checkout import Checkout
from rehearsal.common.clients import Clients
from rehearsal.common.resource import Resource

FOLDERS = ROOT / "build" / "rehearsal"
_PATIENCE = 180  # seconds


class Rehearsal:
    """A rehearsal of one settings file; `stop` ends every process and removes the folder.

    A lock on the folder is held by this process and by the server it starts, so that a folder
    whose lock is free belongs to nobody.
    """

    def __init__(self, environment: str = "production") -> None:
        FOLDERS.mkdir(parents=True, exist_ok=True)
        # One at a time: a folder without its lock is one to be cleared away.
        with (FOLDERS / "gate").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _remove_leftovers()
            self.folder = FOLDERS / uuid.uuid4().hex[:8]
            self.folder.mkdir()
            self._lock = (self.folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.embedded_aws = EmbeddedAws(self.folder)
        self.checkout = Checkout(self.folder / "checkout", environment)
        self.root = ROOT
        self.aws: Clients
        self.cdk: Cdk
        self.neighbours: list[str] = []  # the ids of the security groups that are not ours
        self.destroyed: list[Resource] = []
        self.snapshots_before: set[str] = set()

    def start(self, *, outlives_us: bool = False) -> None:
        """Start the embedded AWS; `aws` and `cdk` are usable from here on."""
        self.embedded_aws.start(outlives_us=outlives_us, inherited=[self._lock.fileno()])
        environment = self.embedded_aws.environment
        self.aws = Clients(environment)
        self.cdk = Cdk(self.checkout.folder, environment, self.folder / "cdk.log")

    def turn_to(self, root: Path, name: str) -> None:
        """From here on `checkout`, still to be made, and `cdk` are those of another revision.

        `root` holds its files and its tools; `name` is for the folder of the copy.
        """
        self.root = root
        self.checkout = Checkout(self.folder / f"checkout-{name}", self.checkout.name, root)
        environment = self.embedded_aws.environment
        self.cdk = Cdk(self.checkout.folder, environment, self.folder / "cdk.log", root)

    @property
    def authority(self) -> Path:
        """The certificate that the nodes' certificates are verified against."""
        return self.embedded_aws.authority

    def ask(self, act: str, **arguments: str) -> Any:
        """What happened behind AWS's API, or what it would do by itself in time: see server.py."""
        address = f"{self.embedded_aws.endpoint}/_rehearsal/{act}?{urlencode(arguments)}"
        with urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def keep(self) -> Path:
        """Leave it running for `stop_kept`; returns a file that a shell can source."""
        (self.folder / "kept.json").write_text(json.dumps({"pid": self.embedded_aws.pid}))
        variables = self.embedded_aws.environment
        settings = self.folder / "env.sh"
        settings.write_text(
            "".join(
                f"export {name}={variables[name]!r}\n"
                for name in sorted(variables)
                if name.startswith("AWS_")
            )
        )
        return settings

    def stop(self, *, remove: bool = True) -> None:
        """End every process; the folder with its logs goes too, unless it is of use."""
        self.embedded_aws.stop()
        self._lock.close()
        if remove:
            shutil.rmtree(self.folder)


def stop_kept() -> int:
    """End every rehearsal that was kept; returns how many."""
    ended = 0
    for kept in FOLDERS.glob("*/kept.json"):
        folder = kept.parent
        if _in_use(folder):
            end_group(json.loads(kept.read_text())["pid"], partial(_is_free, folder))
            ended += 1
        shutil.rmtree(folder)
    return ended


def _remove_leftovers() -> None:
    for lock in FOLDERS.glob("*/lock"):
        if not _in_use(lock.parent):
            shutil.rmtree(lock.parent)


def _is_free(folder: Path) -> bool:
    return not _in_use(folder)


def _in_use(folder: Path) -> bool:
    with (folder / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
