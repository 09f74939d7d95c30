"""Real RDB files: taken from a running node, put before a starting one."""

from __future__ import annotations

import shutil
from pathlib import Path

from emulator.nodes.node import Node
from emulator.nodes.shard import Shard
from emulator.nodes.waiting import until

SAVE_SECONDS = 120.0


def take(shard: Shard, into: Path) -> Path:
    """Save a shard's data in the background and copy it to `into`/<shard number>.rdb.

    A replica saves where there is one, as ElastiCache spares the primary.
    """
    node = shard.best_replica() or shard.primary
    save(node)
    into.mkdir(parents=True, exist_ok=True)
    copy = into / f"{shard.number}.rdb"
    shutil.copyfile(node.data_file, copy)
    return copy


def save(node: Node) -> None:
    """Write the node's data to its data file now."""
    until(lambda: not _saving(node), SAVE_SECONDS, f"{node.name} free to save")
    node.data_file.unlink(missing_ok=True)
    node.server.call("bgsave")
    until(lambda: node.data_file.exists() and not _saving(node), SAVE_SECONDS, f"{node.name} saved")


def load_at_start(source: Path, node: Node) -> None:
    """Make a node that has not started load this file."""
    shutil.copyfile(source, node.data_file)


def _saving(node: Node) -> bool:
    return bool(node.server.info("persistence")["rdb_bgsave_in_progress"])
