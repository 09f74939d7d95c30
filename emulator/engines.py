"""The real servers of each engine and version, and their set-up."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETUP = ROOT / "tools" / "setup_engines.sh"
FOLDER = ROOT / "build" / "engines"

# (engine, version) -> the program's name in build/engines/<engine>-<version>/bin.
PROGRAMS = {
    ("redis", "6.2"): "redis-server",
    ("redis", "7.0"): "redis-server",
    ("valkey", "8.0"): "valkey-server",
}


class EngineMissingError(Exception):
    """No server of this engine and version is to be had on this machine."""


@dataclass(frozen=True)
class Engine:
    """A server program: `version` is major.minor, `libraries` what it must find at run time."""

    name: str
    version: str
    program: Path
    libraries: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment that the program is started with."""
        variables = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        if self.libraries is not None:
            variables["LD_LIBRARY_PATH"] = str(self.libraries)
        return variables


def is_available(name: str, version: str) -> bool:
    """Whether a rehearsal can run this engine at all, set up already or not."""
    return (name, version) in PROGRAMS


def obtain(name: str, version: str) -> Engine:
    """The server for an engine ("redis", "valkey") and a version ("6.2"), set up when it is not.

    Raises EngineMissingError for a version that is not available: no other version replaces it,
    because a proof on a different server would be no proof.
    """
    program = PROGRAMS.get((name, version))
    if program is None:
        choice = ", ".join(f"{engine} {number}" for engine, number in PROGRAMS)
        raise EngineMissingError(
            f"the rehearsal has no {name} {version} server and runs no other in its place: "
            f"choose one of {choice}"
        )
    home = FOLDER / f"{name}-{version}"
    if not home.is_dir():
        done = subprocess.run([str(SETUP), home.name], check=False, timeout=600)
        if done.returncode != 0:
            raise EngineMissingError(f"{name} {version} could not be set up: the reason is above")
    libraries = next((home / "lib").glob("*-linux-gnu"), None)
    return Engine(name, version, home / "bin" / program, libraries)


def processor() -> str:
    """The kernel's name of this machine's processor, for the heads of measurements."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
