"""The commands behind `make restore` and `make health`, run in the rehearsal's checkout."""

import re

from emulator.errors import RehearsalError
from rehearsal.common.commands import module, run
from rehearsal.common.rehearsal import Rehearsal


def restore(rehearsal: Rehearsal, snapshot: str, replace: str = "") -> tuple[str, int]:
    """What it printed, and the seconds that it says; RehearsalError when it fails."""
    ended = run(rehearsal, module("tools.restore", rehearsal.checkout.name, snapshot, replace))
    if ended.returncode:
        raise RehearsalError(f"make restore failed: {ended.stderr}")
    found = re.search(r"is available with \d+ nodes after (\d+) s", ended.stdout)
    if found is None:
        raise RehearsalError(f"make restore does not say that the group is there: {ended.stdout}")
    health = run(rehearsal, module("tools.health", rehearsal.checkout.name))
    if health.returncode:
        raise RehearsalError(f"the restored group is not well:\n{health.stdout}{health.stderr}")
    return ended.stdout, int(found[1])


def refused(rehearsal: Rehearsal, snapshot: str, replace: str = "") -> str:
    """Why it did not begin; RehearsalError when it did."""
    ended = run(rehearsal, module("tools.restore", rehearsal.checkout.name, snapshot, replace))
    if ended.returncode != 1 or "Traceback" in ended.stderr:
        raise RehearsalError(f"make restore was not refused: {ended.stdout}{ended.stderr}")
    return ended.stderr
