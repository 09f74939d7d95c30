"""Which files one worker takes together, and which begin first."""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# What a session makes once, in the order of what it costs: files that name it stay together.
SHARED = ("deployed", "embedded_aws", "templates")
# Minutes: whatever begins last of these is what everybody waits for.
LONGEST = (
    "deployed",
    "test_commands.py",
    "test_command.py",
    "test_restore.py",
    "test_private_dns.py",
)


@cache
def group(file: Path) -> str:
    """The files that share a fixture of the session, or the file alone."""
    beside = file.parent / "conftest.py"
    fixtures = beside.read_text() if beside.exists() else ""
    for name in SHARED:
        if re.search(rf"\b{name}: ", file.read_text() + fixtures):
            # One deployment for all would take longer than everything else beside it: another
            # is for the files below the folder that has the fixture.
            return f"{name}, {'import deployed' in fixtures}"
    return str(file)


def in_turn(items: list[pytest.Item]) -> None:
    """Deployments first, then what waits for servers; what only computes fills the end."""
    waiting = {group(item.path) for item in items if item.get_closest_marker("servers")}

    def turn(item: pytest.Item) -> int:
        name = group(item.path)
        long = [place for place, end in enumerate(LONGEST) if end in name]
        return long[0] if long else len(LONGEST) + (name not in waiting)

    items.sort(key=turn)


class Scheduling(LoadScopeScheduling):
    """Gives a worker a whole group, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath / nodeid.partition("::")[0])
