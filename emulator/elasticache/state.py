"""What the service knows: groups, users, parameter groups, subnet groups, snapshots, events.

What goes on behind a status: the work itself, and as long as AWS would take, compressed.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from emulator.elasticache import errors
from emulator.elasticache.parameter_catalog import CATALOG
from emulator.elasticache.versions import NodeType, Version
from emulator.nodes.context import Ground
from emulator.nodes.group import Group
from emulator.nodes.users import DEFAULT, User

Found = TypeVar("Found")

EVENTS_KEPT = timedelta(days=14)
# The part of a node type's memory that a node really gets, so that it can be filled in seconds.
MEMORY_SCALE = 0.01

# `notify(topic, event, source, refused)`; `refused` is called when the topic does not take it.
Notify = Callable[[str, str, str, Callable[[], None]], None]


@dataclass(frozen=True)
class Subnet:
    """A subnet as EC2 knows it."""

    id: str
    zone: str
    vpc: str


@dataclass
class SubnetGroup:
    """Where nodes may be placed."""

    name: str
    description: str
    subnets: list[Subnet]
    arn: str
    tags: dict[str, str]


@dataclass
class ParameterGroup:
    """`values` holds what was set; everything else has the family's default."""

    name: str
    family: str
    description: str
    arn: str
    tags: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def is_default(self) -> bool:
        """Whether AWS made it: such a group cannot be changed."""
        return self.name.startswith("default.")

    def value(self, name: str) -> str:
        """The value that nodes run with."""
        return self.values.get(name, CATALOG[self.family][name].default)

    def effective(self) -> dict[str, str]:
        """Every parameter that ElastiCache lets one set, with the value that nodes run with."""
        catalog = CATALOG[self.family]
        return {name: self.value(name) for name in catalog if catalog[name].modifiable}

    @property
    def cluster_mode(self) -> bool:
        """Whether groups that use it run in cluster mode."""
        return self.value("cluster-enabled") == "yes"


@dataclass
class Snapshot:
    """A backup: `files` are real RDB files, one a shard. `source` is "manual" or "automated".

    `member` is the saved one, which cluster mode has not; `described` is what the API shows of the
    source.
    """

    name: str
    source: str
    status: str
    created: datetime
    group_id: str
    member: str | None
    described: dict[str, Any]
    version: Version
    members: list[tuple[str, str]]
    tags: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    slots: tuple[tuple[int, ...], ...] = ()
    finished: datetime | None = None


@dataclass
class CacheUser:
    """A user of RBAC, and what its nodes are told of it."""

    kind: ClassVar[str] = "user"
    rest: ClassVar[str] = "active"

    id: str
    arn: str
    engine: str
    login: User
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "active"


@dataclass
class UserGroup:
    """The ids of the users that belong to it; `pending` is the change that is under way."""

    kind: ClassVar[str] = "user-group"
    rest: ClassVar[str] = "active"

    id: str
    arn: str
    engine: str
    users: list[str]
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "creating"
    pending: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class ReplicationGroup:
    """A replication group's settings and, once it runs, its nodes."""

    kind: ClassVar[str] = "replication-group"
    rest: ClassVar[str] = "available"

    id: str
    arn: str
    description: str
    created: datetime
    version: Version
    node_type: NodeType
    parameter_group: ParameterGroup
    subnet_group: str
    zones: list[str]
    security_groups: list[str]
    maintenance_window: str
    snapshot_window: str
    retention: int
    port: int
    shards: int
    replicas: int
    cluster_mode: bool
    automatic_failover: bool
    multi_az: bool
    tls: bool
    at_rest: bool
    kms_key: str | None
    topic: str | None
    topic_active: bool
    auto_minor: bool
    token: str | None = field(repr=False)
    user_group: str | None
    tags: dict[str, str]
    logs: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: str = "creating"
    pending: dict[str, Any] = field(default_factory=dict)
    nodes: Group | None = None
    durability: str | None = None

    @property
    def running(self) -> Group:
        """The nodes. Raises InvalidReplicationGroupState before they run."""
        if self.nodes is None:
            raise errors.group_state(f"Replication group {self.id} has no nodes yet.")
        return self.nodes


Held = CacheUser | UserGroup | ReplicationGroup


@dataclass
class Promises:
    """What AWS does not promise, so that a rehearsal must have it either way.

    `seconds` is how long an operation lasts at least; a change of users is spread over the nodes. A
    group is `modifying` with its users or it is not, and its users
    are `modifying` with the group or they are not. A user may be `active` before any node has its
    change. CloudFormation sends the passwords that it resolved first, or those of now. An access
    string is shown as one or another engine describes it. DescribeSnapshots finds snapshots of
    members by their group, or it does not.
    """

    seconds: float = 0.0
    group_follows: bool = True
    users_follow: bool = False
    active_early: bool = False
    old_passwords: bool = False
    finds_members_by_group: bool = False
    described_by: str = "redis-6.2"

    def change(self, **values: str) -> None:
        """Promise exactly these, each written as JSON, and what is usual of the others."""
        self.__init__(**{name: json.loads(value) for name, value in values.items()})  # type: ignore[misc]


@dataclass(frozen=True)
class Event:
    """`kind` is AWS's source type."""

    when: datetime
    kind: str
    source: str
    message: str


@dataclass
class State:
    """All of one account's ElastiCache in one Region. Hold `lock` to read or change it."""

    account: str
    region: str
    clock: Callable[[], datetime]
    ground: Ground
    find_subnet: Callable[[str], Subnet | None]
    notify: Notify
    lock: threading.RLock = field(default_factory=threading.RLock)
    promises: Promises = field(default_factory=Promises)
    groups: dict[str, ReplicationGroup] = field(default_factory=dict)
    users: dict[str, CacheUser] = field(default_factory=dict)
    user_groups: dict[str, UserGroup] = field(default_factory=dict)
    parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)
    subnet_groups: dict[str, SubnetGroup] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    # A lock of its own: nodes report under their group's lock, which a call may be waiting for.
    events_lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Make the default user and the default parameter groups that each account has."""
        arn = self.arn("user", DEFAULT)
        self.users[DEFAULT] = CacheUser(DEFAULT, arn, "redis", User())
        for family in CATALOG:
            for name, cluster in (
                (f"default.{family}", "no"),
                (f"default.{family}.cluster.on", "yes"),
            ):
                values = {"cluster-enabled": cluster}
                arn = self.arn("parametergroup", name)
                words = f"Default parameter group for {family}"
                self.parameter_groups[name] = ParameterGroup(name, family, words, arn, {}, values)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource of ours."""
        return f"arn:aws:elasticache:{self.region}:{self.account}:{kind}:{name}"

    def event(self, kind: str, source: str, message: str) -> None:
        """Record an event; they are kept for 14 days."""
        now = self.clock()
        with self.events_lock:
            self.events = [event for event in self.events if now - event.when < EVENTS_KEPT]
            self.events.append(Event(now, kind, source, message))

    def announce(self, group: ReplicationGroup, event: str, source: str | None = None) -> None:
        """Tell the group's topic of an event of the group or, with `source`, of a member.

        A topic that refused one is inactive, and hears nothing until it is switched on again
        (user guide, "SNS topic access policy requirement").
        """
        topic = group.topic
        if topic is None or not group.topic_active:
            return

        def refused() -> None:
            if group.topic == topic:
                group.topic_active = False

        self.notify(topic, f"ElastiCache:{event}", source or group.id, refused)

    def group(self, name: str) -> ReplicationGroup:
        """The replication group of this id, in any case. Raises ReplicationGroupNotFoundFault."""
        code = "ReplicationGroupNotFoundFault"
        return _find(self.groups, name, code, "ReplicationGroup {} not found.")

    def available(self, name: str, purpose: str) -> ReplicationGroup:
        """A group that no operation runs on. Raises InvalidReplicationGroupState otherwise."""
        found = self.group(name)
        if found.status != "available":
            raise errors.group_state(f"Replication group must be in available state to {purpose}.")
        return found

    def user(self, name: str) -> CacheUser:
        """The user of this id, in any case. Raises UserNotFound."""
        return _find(self.users, name, "UserNotFound", "User {} not found.")

    def user_group(self, name: str) -> UserGroup:
        """The user group of this id, in any case. Raises UserGroupNotFound."""
        return _find(self.user_groups, name, "UserGroupNotFound", "User group {} not found.")

    def logins(self, group: ReplicationGroup) -> tuple[User, ...]:
        """Who may log in to a group now; without a lock, for the nodes' own is held meanwhile."""
        if group.user_group is None:
            return (User.only(group.token),)
        return tuple(self.users[name].login for name in self.user_groups[group.user_group].users)

    def groups_of(self, users: Collection[str]) -> list[ReplicationGroup]:
        """The replication groups that users of these user groups log in to."""
        return [group for group in self.groups.values() if group.user_group in users]

    def parameter_group(self, name: str) -> ParameterGroup:
        """The parameter group of this name. Raises CacheParameterGroupNotFound."""
        code = "CacheParameterGroupNotFound"
        return _find(self.parameter_groups, name, code, "CacheParameterGroup {} not found.")

    def subnet_group(self, name: str) -> SubnetGroup:
        """The subnet group of this name. Raises CacheSubnetGroupNotFoundFault."""
        code, words = "CacheSubnetGroupNotFoundFault", "Cache Subnet Group {} does not exist."
        return _find(self.subnet_groups, name, code, words, status=400)

    def vpc_of(self, group: ReplicationGroup) -> str:
        """The VPC of a group's subnets, or the account's default one."""
        subnets = self.subnet_groups.get(group.subnet_group)
        return subnets.subnets[0].vpc if subnets else "vpc-default"

    def snapshot(self, name: str) -> Snapshot:
        """The snapshot of this name. Raises SnapshotNotFoundFault."""
        words = "{} is either not present or not available."
        return _find(self.snapshots, name, "SnapshotNotFoundFault", words)

    def node_bytes(self, node_type: NodeType) -> int:
        """A node's maxmemory here: AWS's figure, scaled down so that it can be filled."""
        return max(int(node_type.memory * MEMORY_SCALE), 8 << 20)


def _find(there: Mapping[str, Found], name: str, code: str, words: str, status: int = 404) -> Found:
    found = there.get(name.lower())
    if found is None:
        raise errors.AwsError(code, words.format(name), status)
    return found


log = logging.getLogger(__name__)

CLOSE_SECONDS = 60.0


class Jobs:
    """Runs one piece of work a group in a thread, as long as is promised."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(
        self,
        group: ReplicationGroup,
        status: str,
        work: Callable[[], None],
        done: Callable[[], None] = lambda: None,
        failed: str = "available",
    ) -> None:
        """Do an operation on a group; its users are `modifying` with it where that is so."""
        held: list[tuple[Held, str]] = [(group, status)]
        if group.user_group is not None and self._state.promises.users_follow:
            users = self._state.user_groups[group.user_group]
            along: list[Held] = [users, *map(self._state.user, users.users)]
            held += [(each, "modifying") for each in along if each.status == each.rest]
        self.hold(held, work, done, failed)

    def hold(
        self,
        held: Sequence[tuple[Held, str]],
        work: Callable[[], None] | None = None,
        done: Callable[[], None] = lambda: None,
        failed: str | None = None,
    ) -> None:
        """Give each of these its status now and, when the work is done, let all rest again.

        `done` then runs under the lock; after a failure the first one's status is `failed`, if
        given, and an event says why. Without work it is done at once.
        """
        for each, status in held:
            each.status = status
        first, doing = held[0]

        def over() -> None:
            for each, _ in held:
                each.status = each.rest

        def job() -> None:
            started = time.monotonic()
            try:
                if work is not None:
                    work()
            except Exception as error:
                log.exception("%s of %s failed", doing, first.id)
                self._state.event(first.kind, first.id, f"{doing} failed: {error}")
                with self._state.lock:
                    over()
                    first.status = failed or first.rest
                return
            if work is not None:
                self.wait(self._state.promises.seconds - (time.monotonic() - started))
            with self._state.lock:
                over()
                done()

        self._start(f"{doing}-{first.id}", job)

    def wait(self, seconds: float) -> None:
        """Within a piece of work: let time pass, unless the service is being closed."""
        if seconds > 0:
            self._closed.wait(seconds)

    def apart(self, work: Callable[[], None]) -> None:
        """Run work that no status tells of."""
        self._start("apart", work)

    def close(self) -> None:
        """Cut waiting short and wait for what is at work."""
        self._closed.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()
