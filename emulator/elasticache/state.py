"""The state of the service: groups, users, parameter groups, subnet groups, snapshots, events.

Jobs do the work behind a status, and last as long as AWS would take, compressed.
"""

import json
import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from emulator.elasticache import wire
from emulator.elasticache.access_strings import AccessStrings
from emulator.elasticache.parameter_catalog import CATALOG
from emulator.elasticache.versions import NodeType, Version
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.users import DEFAULT, User

Stored = TypeVar("Stored")

EVENT_RETENTION = timedelta(days=14)
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
    """Where nodes may be placed, as the API shows it."""

    shown: dict[str, Any]
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
    """A backup: `files` are real RDB files, one per shard. `source` is "manual" or "automated".

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
    """A user of RBAC, and its login on the nodes."""

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
    created: datetime
    version: Version
    node_type: NodeType
    parameter_group: ParameterGroup
    subnet_group: str
    zones: list[str]
    shards: int
    replicas: int
    cluster_mode: bool
    token: str | None = field(repr=False)
    user_group: str | None
    tags: dict[str, str]
    logs: dict[str, dict[str, Any]]
    description: str
    security_groups: list[str] = field(default_factory=list)
    maintenance_window: str = "sun:05:00-sun:06:00"
    snapshot_window: str = "08:00-09:00"
    retention: int = 0
    port: int = 6379
    automatic_failover: bool = False
    multi_az: bool = False
    tls: bool = False
    at_rest: bool = False
    kms_key: str | None = None
    topic: str | None = None
    topic_active: bool = True
    auto_minor: bool = True
    durability: str | None = None
    status: str = "creating"
    pending: dict[str, Any] = field(default_factory=dict)
    nodes: Group | None = None

    @property
    def running(self) -> Group:
        """The nodes. Raises InvalidReplicationGroupState before they run."""
        if self.nodes is None:
            raise wire.group_state(f"Replication group {self.id} has no nodes yet.")
        return self.nodes


Stateful = CacheUser | UserGroup | ReplicationGroup


@dataclass
class Promises:
    """Behaviour that AWS does not promise: a rehearsal plays it either way.

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


@dataclass
class Progress:
    """An update action's status, and the nodes of the group that have had their turn."""

    status: str = "not-applied"
    updated: set[str] = field(default_factory=set)


@dataclass
class ServiceUpdate:
    """An update, and what the API shows of it in each answer; `progress` is by group."""

    name: str
    engine: str
    released: datetime
    shown: dict[str, Any]
    progress: defaultdict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))


@dataclass(frozen=True)
class Event:
    """`kind` is AWS's source type."""

    when: datetime
    kind: str
    source: str
    message: str


class Store(dict[str, Stored]):
    """Entries of one kind by id.

    `unknown` and `taken` are the code and the words of AWS's answer to an id that is not there, and
    to a new one that is; `malformed` are the words for a new one that does not match `pattern`.
    """

    def __init__(self, unknown: str, taken: str, malformed: str = "", pattern: str = "") -> None:
        super().__init__()
        self._unknown, self._taken = unknown, taken
        self._malformed, self._pattern = malformed, pattern

    def find(self, name: str) -> Stored:
        """The entry of this id, in any case. Raises AwsError."""
        stored = self.get(name.lower())
        if stored is None:
            raise _error(self._unknown, name)
        return stored

    def new_id(self, name: str) -> str:
        """A new id, in lower case. Raises AwsError."""
        if name.lower() in self:
            raise _error(self._taken, name.lower())
        if self._pattern and not re.fullmatch(self._pattern, name.lower()):
            raise wire.invalid_value(self._malformed.format(name))
        return name.lower()

    def named(self, name: str | None) -> list[Stored]:
        """The entry of this id alone, or all without an id. Raises AwsError."""
        return [self.find(name)] if name else list(self.values())


def _error(answer: str, name: str) -> wire.AwsError:
    code, _, words = answer.partition(": ")
    return wire.AwsError(code, words.format(name))


# Of groups, users and user groups; snapshots and parameter groups may have longer ones.
_ID = "(?=.{1,40}$)[a-z](?:-?[a-z0-9])*"
_ID_WORDS = "{!r} is not 1 to 40 letters, digits and single hyphens that begin with a letter."


class State:
    """All of one account's ElastiCache in one Region. Hold `lock` to read or change it.

    `folder` holds data, logs and snapshots. `find_subnet` asks EC2; `notify` writes to SNS.
    `promises` can change at any time.
    """

    def __init__(
        self,
        account: str,
        region: str,
        folder: Path,
        *,
        find_subnet: Callable[[str], Subnet | None],
        notify: Notify,
        promises: Promises,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account, self.region, self.clock = account, region, clock
        self.find_subnet, self.notify, self.promises = find_subnet, notify, promises
        self.context = NodeContext(folder)
        self.lock = threading.RLock()
        self.jobs = Jobs(self)
        self.access_strings = AccessStrings(self.context)
        self.groups = Store[ReplicationGroup](
            "ReplicationGroupNotFoundFault: ReplicationGroup {} not found.",
            "ReplicationGroupAlreadyExists: Replication group {} already exists.",
            f"The parameter ReplicationGroupId must be provided and must not be blank: {_ID_WORDS}",
            _ID,
        )
        self.users = Store[CacheUser](
            "UserNotFound: User {} not found.",
            "UserAlreadyExists: User {} already exists.",
            f"UserId {_ID_WORDS}",
            _ID,
        )
        self.user_groups = Store[UserGroup](
            "UserGroupNotFound: User group {} not found.",
            "UserGroupAlreadyExists: User group {} already exists.",
            f"UserGroupId {_ID_WORDS}",
            _ID,
        )
        self.parameter_groups = Store[ParameterGroup](
            "CacheParameterGroupNotFound: CacheParameterGroup {} not found.",
            "CacheParameterGroupAlreadyExists: CacheParameterGroup {} already exists.",
            "The parameter CacheParameterGroupName is not a valid name: {}.",
            "(?=.{1,255}$)[a-z](?:[-.]?[a-z0-9])*",
        )
        self.subnet_groups = Store[SubnetGroup](
            "CacheSubnetGroupNotFoundFault: Cache Subnet Group {} does not exist.",
            "CacheSubnetGroupAlreadyExists: Cache subnet group {} already exists.",
        )
        self.snapshots = Store[Snapshot](
            "SnapshotNotFoundFault: {} is either not present or not available.",
            "SnapshotAlreadyExistsFault: Snapshot with specified name already exists: {}",
            "Invalid snapshot name: {}.",
            "(?=.{1,255}$)[a-z](?:-?[a-z0-9])*",
        )
        self.service_updates = Store[ServiceUpdate](
            "ServiceUpdateNotFoundFault: Service update {} not found.", ""
        )
        self.events: list[Event] = []
        # A lock of its own: nodes report under their group's lock, which a call may be waiting for.
        self.events_lock = threading.Lock()
        self._make_defaults()

    def _make_defaults(self) -> None:
        """The user and the parameter groups that each account has."""
        self.users[DEFAULT] = CacheUser(DEFAULT, self.arn("user", DEFAULT), "redis", User())
        for family in CATALOG:
            for suffix, cluster in (("", "no"), (".cluster.on", "yes")):
                name, words = f"default.{family}{suffix}", f"Default parameter group for {family}"
                arn, values = self.arn("parametergroup", name), {"cluster-enabled": cluster}
                group = ParameterGroup(name, family, words, arn, {}, values)
                self.parameter_groups[name] = group

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource of ours."""
        return f"arn:aws:elasticache:{self.region}:{self.account}:{kind}:{name}"

    def event(self, kind: str, source: str, message: str) -> None:
        """Record an event for 14 days."""
        now = self.clock()
        with self.events_lock:
            self.events = [event for event in self.events if now - event.when < EVENT_RETENTION]
            self.events.append(Event(now, kind, source, message))

    def announce(self, group: ReplicationGroup, event: str, source: str | None = None) -> None:
        """Send an event of the group or, with `source`, of a member to the group's topic.

        A topic that refused one is inactive, and gets nothing until it is switched on again
        (user guide, "SNS topic access policy requirement").
        """
        topic = group.topic
        if topic is None or not group.topic_active:
            return

        def refused() -> None:
            if group.topic == topic:
                group.topic_active = False

        self.notify(topic, f"ElastiCache:{event}", source or group.id, refused)

    def available(self, name: str, purpose: str) -> ReplicationGroup:
        """A group that no operation runs on. Raises InvalidReplicationGroupState otherwise."""
        group = self.groups.find(name)
        if group.status != "available":
            raise wire.group_state(f"Replication group must be in available state to {purpose}.")
        return group

    def logins(self, group: ReplicationGroup) -> tuple[User, ...]:
        """The users of a group now; without a lock, for the nodes' own is held meanwhile."""
        if group.user_group is None:
            return (User.only(group.token),)
        return tuple(self.users[name].login for name in self.user_groups[group.user_group].users)

    def groups_of(self, users: Collection[str]) -> list[ReplicationGroup]:
        """The replication groups that users of these user groups log in to."""
        return [group for group in self.groups.values() if group.user_group in users]

    def vpc_of(self, group: ReplicationGroup) -> str:
        """The VPC of a group's subnets, or the account's default one."""
        subnets = self.subnet_groups.get(group.subnet_group)
        return str(subnets.shown["VpcId"]) if subnets else "vpc-default"

    def node_bytes(self, node_type: NodeType) -> int:
        """A node's maxmemory here: AWS's figure, scaled down so that it can be filled."""
        return max(int(node_type.memory * MEMORY_SCALE), 8 << 20)


log = logging.getLogger(__name__)

CLOSE_SECONDS = 60.0


class Jobs:
    """Runs one piece of work per group in a thread, as long as is promised."""

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
        resources: list[tuple[Stateful, str]] = [(group, status)]
        if group.user_group is not None and self._state.promises.users_follow:
            users = self._state.user_groups[group.user_group]
            along: list[Stateful] = [users, *map(self._state.users.find, users.users)]
            resources += [(each, "modifying") for each in along if each.status == each.rest]
        self.change(resources, work, done, failed)

    def change(
        self,
        resources: Sequence[tuple[Stateful, str]],
        work: Callable[[], None] | None = None,
        done: Callable[[], None] = lambda: None,
        failed: str | None = None,
    ) -> None:
        """Give each of these its status now and, when the work is done, let all rest again.

        `done` then runs under the lock; after a failure the first one's status is `failed`, if
        given, and an event says why. Without work it is done at once.
        """
        for each, status in resources:
            each.status = status
        first, doing = resources[0]

        def rest() -> None:
            for each, _ in resources:
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
                    rest()
                    first.status = failed or first.rest
                return
            if work is not None:
                self.wait(self._state.promises.seconds - (time.monotonic() - started))
            with self._state.lock:
                rest()
                done()

        self.start(f"{doing}-{first.id}", job)

    def wait(self, seconds: float) -> None:
        """Within a piece of work: let time pass, unless the service is being closed."""
        if seconds > 0:
            self._closed.wait(seconds)

    def close(self) -> None:
        """Cut waiting short and wait for what is at work."""
        self._closed.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run work that changes no status, in a thread of this name."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()
