"""A replication group of real servers behind addresses that never change."""

import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from redis.exceptions import RedisError

from emulator.engines import Engine
from emulator.nodes import cluster, config
from emulator.nodes.context import NodeContext
from emulator.nodes.node import Node, Shard, save, take_snapshot
from emulator.nodes.server import Server, ServerFailedError
from emulator.nodes.spec import GroupSpec, Member
from emulator.nodes.users import DEFAULT, User

# The service's own words (botocore, TestFailover).
RECOVERING = "Recovering cache nodes 0001"
RECOVERED = "Finished recovery for cache nodes 0001"

OnEvent = Callable[[str, str], None]
Turn = Callable[[str], bool]


class Endpoints:
    """Primary and reader address without cluster mode, the configuration address with it."""

    def __init__(self, context: NodeContext, port: int, cluster: bool) -> None:
        self._forwarder = context.forwarder
        self._port = port
        self._cluster = cluster
        self.primary = context.take_address()
        self.reader = context.take_address()
        self.configuration = context.take_address()

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
            self._forwarder.point((name, self._port), None)


class Group:
    """Started by its constructor, ended by stop(). `on_event(member, message)` reports.

    Raises TimeoutError or ServerFailedError, with nothing left running, if it does not come up.
    """

    def __init__(
        self,
        spec: GroupSpec,
        context: NodeContext,
        on_event: OnEvent = lambda *_: None,
    ) -> None:
        self.spec = spec
        self._context = context
        self._report = on_event
        self._control = config.Control()
        self._lock = threading.RLock()
        self._stopped = False
        self._recovering: list[str] = []
        self.endpoints = Endpoints(context, spec.port, spec.cluster)
        self.shards = [self._new_shard(number) for number in range(1, spec.shards + 1)]
        try:
            with self._lock:
                self._start()
        except BaseException:
            self.stop()
            raise

    @property
    def members(self) -> list[Member]:
        """All nodes with their present roles, by shard and number."""
        roles = {True: "primary", False: "replica"}
        return [
            Member(node.name, shard.number, roles[node is shard.primary], node.at[0])
            for shard in self.shards
            for node in shard.nodes
        ]

    def node(self, name: str) -> Node:
        """The node of this name. Raises KeyError."""
        return {node.name: node for node in self._nodes()}[name]

    def shard(self, number: str) -> Shard:
        """The shard of this number ("0001"). Raises KeyError."""
        return {shard.number: shard for shard in self.shards}[number]

    @property
    def passwords(self) -> tuple[str, ...]:
        """The passwords of the user `default`."""
        return next(user.passwords for user in self.spec.users if user.name == DEFAULT)

    def accept(self, *passwords: str) -> None:
        """Make the user `default` log in with exactly these, and leave its rights as they are."""
        users = [
            replace(user, passwords=passwords) if user.name == DEFAULT else user
            for user in self.spec.users
        ]
        self.set_users(lambda: tuple(users))

    def set_users(
        self,
        users: Callable[[], tuple[User, ...]],
        *,
        ended: Collection[str] = (),
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        """Give every node these users, one node after the other, each followed by a `pause`.

        Nodes that start meanwhile have them from the start. Open connections stay open, but for
        those of users that are gone or whose names are in `ended`.
        """
        with self._lock:
            nodes = self._nodes()
        for node in nodes:
            with self._lock:
                self.spec = replace(self.spec, users=users())
                if node.alive:
                    node.set_users(self.spec.users, ended)
            pause()

    def configure(self, values: Mapping[str, str], node_bytes: int) -> None:
        """Apply a parameter group's values and a node's size while the nodes run."""
        with self._lock:
            self.spec = replace(self.spec, parameters=dict(values), node_bytes=node_bytes)
            memory = config.maxmemory(node_bytes, values)
            for node in self._nodes():
                node.server.call("config", "set", "maxmemory", memory)
                for name, value in config.directives(values):
                    node.server.call("config", "set", name, value)

    def set_automatic_failover(self, enabled: bool) -> None:
        """Whether the loss of a primary promotes a replica."""
        with self._lock:
            self.spec = replace(self.spec, automatic_failover=enabled)

    def fail_over(self, number: str) -> None:
        """Promote the best replica of a shard at once; the old primary stays as a replica.

        Raises LookupError if no replica runs.
        """
        with self._lock:
            shard = self.shard(number)
            best = shard.best_replica()
            if best is None:
                raise LookupError(f"shard {number} of {self.spec.name} has no replica")
            old = shard.primary
            self._promote(shard, best)
            self._report(old.name, RECOVERING)
            self._report(old.name, RECOVERED)

    def snapshot(self, into: Path) -> list[Path]:
        """Write one RDB file per shard into this folder."""
        with self._lock:
            return [take_snapshot(shard, into) for shard in self.shards]

    def upgrade(
        self, engine: Engine, values: Mapping[str, str], turn: Turn = lambda _: True
    ) -> bool:
        """Restart every node on another server, the primary last, without losing a write.

        As the service does it: one replica after the other, then a failover to one of them, then
        the old primary (ElastiCache user guide, "Upgrade considerations"). `turn(member)` is asked
        before each node; when it says no, the rest stays as it is and the answer is False.
        """
        with self._lock:
            self.spec = replace(self.spec, engine=engine, parameters=dict(values))
            return all(self._upgrade_shard(shard, turn) for shard in self.shards)

    def add_replica(self, number: str) -> None:
        """Start one more replica in a shard."""
        with self._lock:
            shard = self.shard(number)
            used = {int(node.name.rsplit("-", 1)[1]) for node in shard.nodes}
            free = next(index for index in range(1, len(used) + 2) if index not in used)
            node = self._new_node(number, free)
            shard.nodes.append(node)
            self.spec = replace(self.spec, replicas=len(shard.replicas))
            self._launch(node, shard.primary)
            if self.spec.cluster:
                cluster.add(node, shard, len(self._nodes()))
            node.wait_in_sync(shard.primary)
            self._point()

    def add_shards(self, shards: int) -> None:
        """Start new shards until there are so many, and move slots to them while all serve."""
        with self._lock:
            for number in range(len(self.shards) + 1, shards + 1):
                shard = self._new_shard(number)
                self._launch(shard.primary)
                for replica in shard.replicas:
                    self._launch(replica, shard.primary)
                cluster.join(shard, self.shards)
                self.shards.append(shard)
            self.spec = replace(self.spec, shards=shards, slots=())
            cluster.spread(self.shards)
            self._point()

    def remove_replica(self, name: str) -> None:
        """End a replica for good. Raises ValueError for a primary."""
        with self._lock:
            node = self.node(name)
            shard = self._shard_of(node)
            if node is shard.primary:
                raise ValueError(f"{name} is a primary")
            shard.nodes.remove(node)
            self.spec = replace(self.spec, replicas=len(shard.replicas))
            self._point()
            node.stop()
            if self.spec.cluster:
                cluster.forget(node, self._nodes())

    def stop(self) -> None:
        """End every process and close every address of the group."""
        with self._lock:
            self._stopped = True
            for node in self._nodes():
                node.stop()
            self.endpoints.close()

    # --- start ------------------------------------------------------------------------------

    def _new_shard(self, number: int) -> Shard:
        """A shard of nodes that have not started."""
        name = f"{number:04}"
        nodes = [self._new_node(name, index) for index in range(1, self.spec.replicas + 2)]
        return Shard(name, nodes, self.spec.cluster)

    def _new_node(self, shard: str, index: int) -> Node:
        """A node with an address and an empty folder of its own, not started."""
        # AWS's name of it: the shard's number is in it only with cluster mode.
        name = f"{self.spec.name}{f'-{shard}' if self.spec.cluster else ''}-{index:03}"
        folder = self._context.folder / self.spec.name / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return Node(name, (self._context.take_address(), self.spec.port), folder)

    def _launch(self, node: Node, primary: Node | None = None) -> None:
        """Start a node as a primary, or as a replica of another one."""
        authority, identity = self._context.authority, None
        if self.spec.tls:
            identity = authority.issue(node.folder, [node.at[0], *self.endpoints.names])
        follows = None if primary is None else primary.at
        settings = config.Settings(
            self.spec, node.at[0], node.folder, self._control, authority.file, identity, follows
        )
        node.start(settings, self._lost)

    def _start(self) -> None:
        for index, shard in enumerate(self.shards):
            if self.spec.restore:
                shutil.copyfile(self.spec.restore[index], shard.primary.data_file)
            self._launch(shard.primary)
        starts = [(node, shard.primary) for shard in self.shards for node in shard.replicas]
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda pair: self._launch(*pair), starts))
        if self.spec.cluster:
            cluster.form(self.shards, self.spec.slots)
        for replica, primary in starts:
            replica.wait_in_sync(primary)
        self._point()

    def _upgrade_shard(self, shard: Shard, turn: Turn) -> bool:
        old = shard.primary
        for node in [*shard.replicas, old]:
            if not turn(node.name):
                return False
            if node is not old:
                self._restart_as_replica(shard, node)
            elif shard.replicas:
                shard.hand_over(shard.replicas[0])
                self._point()
                shard.settle(but=old)
                self._restart_as_replica(shard, old)
            else:
                save(old)
                self._launch(old)
                self._point()
        return True

    def _restart_as_replica(self, shard: Shard, node: Node) -> None:
        """Start a node again without its data and wait until it has the primary's."""
        node.stop()
        # Who reads is led to the others meanwhile.
        self._point()
        node.data_file.unlink(missing_ok=True)
        self._launch(node, shard.primary)
        node.wait_in_sync(shard.primary)
        if self.spec.cluster:
            cluster.wait_linked(self._nodes())
        self._point()

    # --- loss of a process --------------------------------------------------------------------

    def _lost(self, server: Server) -> None:
        with self._lock:
            node = next((node for node in self._nodes() if node.owns(server)), None)
            if self._stopped or node is None:
                return
            try:
                self._recover(self._shard_of(node))
            except (RedisError, OSError, ServerFailedError) as error:
                self._report(node.name, f"Recovery of cache nodes 0001 interrupted: {error}")

    def _recover(self, shard: Shard) -> None:
        """Promote a replica if the primary is lost, then replace every node that has ended.

        Raises ServerFailedError if the primary is lost meanwhile: its own exit is reported next,
        and the recovery that follows finishes this one too.
        """
        best = shard.best_replica()
        if not shard.primary.alive and self.spec.automatic_failover and best is not None:
            self._promote(shard, best)
        self._point()
        for node in (shard.primary, *shard.replicas):
            if not node.alive:
                self._recovering.append(node.name)
                self._report(node.name, RECOVERING)
                self._replace(shard, node)
        for replica in shard.replicas:
            replica.wait_in_sync(shard.primary)
        self._point()
        while self._recovering:
            self._report(self._recovering.pop(0), RECOVERED)

    def _promote(self, shard: Shard, node: Node) -> None:
        """Make a replica the primary at once, and move the addresses."""
        old = shard.primary
        shard.promote(node)
        self._point()
        message = f"Failover from primary node {old.name} to replica node {node.name} completed"
        self._report(node.name, message)

    def _replace(self, shard: Shard, node: Node) -> None:
        """Start a node that has ended again, without its data."""
        node.data_file.unlink(missing_ok=True)
        if node is shard.primary:
            self._launch(node)
            return
        if self.spec.cluster:
            # With its old identity it could claim its slots back, and it has lost their keys.
            (node.folder / config.CLUSTER_STATE).unlink(missing_ok=True)
            cluster.forget(node, self._nodes())
        self._launch(node, shard.primary)
        if self.spec.cluster:
            cluster.add(node, shard, len(self._nodes()))

    def _nodes(self) -> list[Node]:
        return [node for shard in self.shards for node in shard.nodes]

    def _shard_of(self, node: Node) -> Shard:
        return next(shard for shard in self.shards if node in shard.nodes)

    def _point(self) -> None:
        self.endpoints.point(self.shards)
