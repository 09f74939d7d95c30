"""The one version of ministack that the patches were written for."""

from importlib.metadata import version

MINISTACK = "1.5.33"


def require_version() -> None:
    """Refuse to start on a ministack that these patches were not written for (SystemExit)."""
    found = version("ministack")
    if found != MINISTACK:
        raise SystemExit(
            f"rehearsal: ministack {found} is installed and emulator/aws/patches is written "
            f"for {MINISTACK}: run 'make setup-rehearsal', or read the patches again for {found}"
        )
