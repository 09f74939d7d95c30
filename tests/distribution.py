"""Which files one worker takes together, and which begin first."""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# What a session makes once, in the order of what it costs: files that name it stay together.
SHARED = ("deployed", "embedded_aws", "templates")


@cache
def group(file: Path) -> str:
    """The files that share a fixture of the session, or the file alone."""
    beside = file.parent / "conftest.py"
    fixtures = beside.read_text() if beside.exists() else ""
    for name in SHARED:
        if re.search(rf"\b{name}: ", file.read_text() + fixtures):
            # One deployment for all would take longer than everything else beside it: another
            # is for the files below tests/rehearsal.
            return f"{name}, {file.parent.name == 'rehearsal'}"
    return str(file)


def in_turn(items: list[pytest.Item]) -> None:
    """Deployments first, then what is long; what only computes a moment fills the end."""
    waits = {"servers", "slow"}
    long = {group(item.path) for item in items if waits & {m.name for m in item.iter_markers()}}
    items.sort(key=lambda item: (SHARED[0] not in group(item.path), group(item.path) not in long))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker a whole group, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath / nodeid.partition("::")[0])
