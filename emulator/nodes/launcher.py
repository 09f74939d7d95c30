"""Makes the nodes of a group and starts their servers with the group's present settings."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from emulator.nodes import parameters
from emulator.nodes.config import Control, Settings
from emulator.nodes.context import Ground
from emulator.nodes.endpoints import Endpoints
from emulator.nodes.node import Node
from emulator.nodes.server import Server
from emulator.nodes.shard import Shard
from emulator.nodes.spec import GroupSpec


class Launcher:
    """Knows everything about a group's servers that does not change with its settings."""

    def __init__(
        self, ground: Ground, endpoints: Endpoints, on_exit: Callable[[Server], None]
    ) -> None:
        self._ground = ground
        self._endpoints = endpoints
        self._on_exit = on_exit
        self._control = Control()

    def new_shard(self, spec: GroupSpec, number: int) -> Shard:
        """A shard of nodes that have not started."""
        name = f"{number:04}"
        nodes = [self.new_node(spec, name, index) for index in range(1, spec.replicas + 2)]
        return Shard(name, nodes, spec.cluster)

    def new_node(self, spec: GroupSpec, shard: str, index: int) -> Node:
        """A node with an address and an empty folder of its own, not started."""
        name = spec.member_name(shard, index)
        folder = self._ground.folder / spec.name / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return Node(name, (self._ground.addresses.take(), spec.port), folder)

    def start(self, spec: GroupSpec, node: Node, primary: Node | None) -> None:
        """Start a node as a primary, or as a replica of another one."""
        identity = None
        if spec.tls:
            names = [node.at[0], *self._endpoints.names]
            identity = self._ground.authority.issue(node.folder, names)
        settings = Settings(
            address=node.at[0],
            port=spec.port,
            folder=node.folder,
            maxmemory=parameters.maxmemory(spec.node_bytes, spec.parameters),
            users=spec.users,
            control=self._control,
            identity=identity,
            authority=self._ground.authority.file,
            directives=parameters.directives(spec.parameters),
            cluster=spec.cluster,
            primary=None if primary is None else primary.at,
        )
        node.start(spec.engine, settings, self._on_exit)

    def restart_as_replica(self, spec: GroupSpec, node: Node, primary: Node) -> None:
        """Start a node again without its data and wait until it has the primary's."""
        node.stop()
        node.data_file.unlink(missing_ok=True)
        self.start(spec, node, primary)
        node.wait_in_sync(primary)
