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
    near = (file, file.parent / "conftest.py")
    text = "".join(one.read_text() for one in near if one.exists())
    name = next((name for name in SHARED if re.search(rf"\b{name}: ", text)), str(file))
    # One deployment for all would take longer than everything else beside it.
    return f"{name}, {file.parent.name == 'rehearsal'}" if name == "deployed" else name


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
