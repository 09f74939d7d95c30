"""A replication group of real servers behind addresses that never change."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from redis.exceptions import RedisError

from emulator.engines import Engine
from emulator.nodes import cluster, config
from emulator.nodes.context import NodeContext
from emulator.nodes.launcher import Endpoints, Launcher
from emulator.nodes.node import Node
from emulator.nodes.recovery import RECOVERED, RECOVERING, promote, recover
from emulator.nodes.server import Server, ServerFailedError
from emulator.nodes.shard import Shard, load_at_start, save, take_snapshot
from emulator.nodes.spec import GroupSpec, Member
from emulator.nodes.users import DEFAULT, User

OnEvent = Callable[[str, str], None]
Turn = Callable[[str], bool]


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
        self._lock = threading.RLock()
        self._stopped = False
        self.endpoints = Endpoints(context, spec.port, spec.cluster)
        self.launcher = Launcher(context, self.endpoints, self._lost)
        self.report = on_event
        self.recovering: list[str] = []
        numbers = range(1, spec.shards + 1)
        self.shards = [self.launcher.new_shard(spec, number) for number in numbers]
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
            promote(self, shard, best)
            self.report(old.name, RECOVERING)
            self.report(old.name, RECOVERED)

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

    def add_replica(self, number: str) -> str:
        """Start one more replica in a shard and return its name."""
        with self._lock:
            shard = self.shard(number)
            used = {int(node.name.rsplit("-", 1)[1]) for node in shard.nodes}
            free = next(index for index in range(1, len(used) + 2) if index not in used)
            node = self.launcher.new_node(self.spec, number, free)
            shard.nodes.append(node)
            self.spec = replace(self.spec, replicas=len(shard.replicas))
            self.launcher.start(self.spec, node, shard.primary)
            if self.spec.cluster:
                cluster.add(node, shard, len(self._nodes()))
            node.wait_in_sync(shard.primary)
            self._point()
            return node.name

    def add_shards(self, shards: int) -> None:
        """Start new shards until there are so many, and move slots to them while all serve."""
        with self._lock:
            for number in range(len(self.shards) + 1, shards + 1):
                shard = self.launcher.new_shard(self.spec, number)
                self.launcher.start(self.spec, shard.primary, None)
                for replica in shard.replicas:
                    self.launcher.start(self.spec, replica, shard.primary)
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
            gone = cluster.identity(node) if self.spec.cluster else ""
            node.stop()
            if self.spec.cluster:
                cluster.forget(gone, self._nodes())

    def stop(self) -> None:
        """End every process and close every address of the group."""
        with self._lock:
            self._stopped = True
            for node in self._nodes():
                node.stop()
            self.endpoints.close()

    # --- start ------------------------------------------------------------------------------

    def _start(self) -> None:
        for index, shard in enumerate(self.shards):
            if self.spec.restore:
                load_at_start(self.spec.restore[index], shard.primary)
            self.launcher.start(self.spec, shard.primary, None)
        starts = [(node, shard.primary) for shard in self.shards for node in shard.replicas]
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda pair: self.launcher.start(self.spec, *pair), starts))
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
                old.stop()
                self.launcher.start(self.spec, old, None)
                self._point()
        return True

    def _restart_as_replica(self, shard: Shard, node: Node) -> None:
        node.stop()
        # Who reads is led to the others meanwhile.
        self._point()
        self.launcher.restart_as_replica(self.spec, node, shard.primary)
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
                recover(self, self._shard_of(node))
            except (RedisError, OSError, ServerFailedError) as error:
                self.report(node.name, f"Recovery of cache nodes 0001 interrupted: {error}")

    def _nodes(self) -> list[Node]:
        return [node for shard in self.shards for node in shard.nodes]

    def _shard_of(self, node: Node) -> Shard:
        return next(shard for shard in self.shards if node in shard.nodes)

    def _point(self) -> None:
        self.endpoints.point(self.shards)
