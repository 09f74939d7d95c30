"""Which files one worker takes together, and which begin first."""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# What a session makes once, in the order of what it costs: files that name it stay together.
DEPLOYMENTS = ("deployed", "created", "replaced", "deployed_in_shards")
SHARED = (*DEPLOYMENTS, "embedded_aws", "templates")
# What leaves a deployment other than it was comes after what expects it as it was made.
LAST = (
    *("test_restore.py", "test_stack_states.py"),
    *("test_rotation.py", "test_upgrade.py", "test_commands.py"),
)


@cache
def group(file: Path) -> str:
    """The files that share a fixture of the session, or the file alone."""
    beside = file.parent / "conftest.py"
    fixtures = beside.read_text() if beside.exists() else ""
    for name in SHARED:
        if re.search(rf"\b{name}: (Rehearsal|Created|Stacks)\b", file.read_text() + fixtures):
            return name
    return str(file)


def in_turn(items: list[pytest.Item]) -> None:
    """Deployments first, then what is long; what only computes a moment fills the end."""
    waits = {"servers", "slow"}
    long = {group(item.path) for item in items if waits & {m.name for m in item.iter_markers()}}

    def turn(item: pytest.Item) -> tuple[bool, bool, int]:
        name = item.path.name
        place = LAST.index(name) + 1 if name in LAST else 0
        return group(item.path) not in DEPLOYMENTS, group(item.path) not in long, place

    items.sort(key=turn)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker a whole group, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath / nodeid.partition("::")[0])
