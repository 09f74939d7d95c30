"""Makes the nodes of a group, starts their servers, and leads the group's addresses to them."""

import shutil
from collections.abc import Callable

from emulator.nodes.config import Control, Settings, directives, maxmemory
from emulator.nodes.context import NodeContext
from emulator.nodes.node import Node
from emulator.nodes.server import Server
from emulator.nodes.shard import Shard
from emulator.nodes.spec import GroupSpec


class Endpoints:
    """Primary and reader address without cluster mode, the configuration address with it."""

    def __init__(self, context: NodeContext, port: int, cluster: bool) -> None:
        self._forwarder = context.forwarder
        self._port = port
        self._cluster = cluster
        self.primary = context.addresses.take()
        self.reader = context.addresses.take()
        self.configuration = context.addresses.take()

    @property
    def names(self) -> list[str]:
        """The addresses in use, which the nodes' certificates must carry."""
        return [self.configuration] if self._cluster else [self.primary, self.reader]

    def point(self, shards: list[Shard]) -> None:
        """Lead new connections to the nodes that have the roles now; open ones stay."""
        if self._cluster:
            # One that is being replaced knows of no slots until it has joined.
            nodes = [node for shard in shards for node in shard.nodes]
            serving = [node for node in nodes if node.alive] or nodes
            self._forwarder.point((self.configuration, self._port), [node.at for node in serving])
            return
        (shard,) = shards
        self._forwarder.point((self.primary, self._port), [shard.primary.at])
        # Unverified: where AWS's reader endpoint leads without a replica.
        readers = shard.live_replicas or [shard.primary]
        self._forwarder.point((self.reader, self._port), [node.at for node in readers])

    def close(self) -> None:
        """Stop listening and cut what is connected."""
        for name in self.names:
            self._forwarder.close((name, self._port))


class Launcher:
    """Knows everything about a group's servers that does not change with its settings."""

    def __init__(
        self, context: NodeContext, endpoints: Endpoints, on_exit: Callable[[Server], None]
    ) -> None:
        self._context = context
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
        folder = self._context.folder / spec.name / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return Node(name, (self._context.addresses.take(), spec.port), folder)

    def start(self, spec: GroupSpec, node: Node, primary: Node | None) -> None:
        """Start a node as a primary, or as a replica of another one."""
        identity = None
        if spec.tls:
            names = [node.at[0], *self._endpoints.names]
            identity = self._context.authority.issue(node.folder, names)
        settings = Settings(
            address=node.at[0],
            port=spec.port,
            folder=node.folder,
            maxmemory=maxmemory(spec.node_bytes, spec.parameters),
            users=spec.users,
            control=self._control,
            identity=identity,
            authority=self._context.authority.file,
            directives=directives(spec.parameters),
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
