"""Secrets Manager and ElastiCache at their worst.

From botocore's documentation of the operations (secretsmanager, 2017-10-17): a label is on one
version at most; moving AWSCURRENT moves AWSPREVIOUS; PutSecretValue does nothing for a version that
has the same value and fails if it has another; a label that is elsewhere is moved only by a call
that says where it is; RotateSecret is refused while AWSPENDING is on another version than
AWSCURRENT. "Versions without labels can be deleted": here they are gone at once, or never.

ModifyUser replaces the whole list of one or two passwords of 16 to 128 characters, and only an
active user can be modified (API reference; terraform-provider-aws#49726). A user without password
serves clients that give none and refuses ``AUTH <token>`` (tried on Redis 6.2). What AWS leaves
open is in Promises, and what happens later in ``coming``: all is data, so that it can be copied.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.lambda_rotation.model.fake_aws import ServiceError

Parameters = dict[str, Any]
FORBIDDEN, TAKEN = frozenset(',"/@ '), re.compile("[!-~]{16,128}")
LATE = 3 * 3600  # that a node needs which AWS has as good as forgotten


@dataclass(frozen=True)
class Promises:
    """What AWS does not promise; every proof holds for each choice."""

    active_before_nodes: bool = False
    busy_group_refuses: bool = True
    replicas_first: bool = False
    counts_at_once: bool = True
    open_takes_tokens: bool = False
    change_replaces_the_one_under_way: bool = False
    secrets_manager_deletes_what_has_no_label: bool = True
    secrets_manager_takes_awspending_away: bool = True


@dataclass(frozen=True)
class Passwords:
    """What a user, or one node, takes."""

    tokens: tuple[str, ...]
    open: bool = False


@dataclass(frozen=True)
class Node:
    """What it takes now, and from when on what else."""

    has: Passwords
    coming: tuple[tuple[int, Passwords], ...] = ()
    silent_until: int = 0
    late: bool = False

    def at(self, now: int) -> "Node":
        due = [passwords for time, passwords in self.coming if time <= now]
        later = tuple(one for one in self.coming if one[0] > now)
        return replace(self, has=due[-1], coming=later) if due else self


@dataclass
class ElastiCache:
    """One user, and a group of ``shards`` with three nodes each; times are in seconds."""

    promises: Promises
    user: Passwords = field(repr=False)
    shards: int = 1
    seconds: int = 300  # that a change takes
    now: int = 0
    shown: int = 1
    active_from: int = 0
    busy_until: int = 0
    nodes: dict[str, Node] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.nodes:
            shards = ["g"] if self.shards == 1 else [f"g-{n:04}" for n in range(1, self.shards + 1)]
            self.nodes = {f"{one}-{n:03}": Node(self.user) for one in shards for n in (1, 2, 3)}

    def copy(self) -> "ElastiCache":
        return replace(self, nodes=dict(self.nodes))

    @property
    def active(self) -> bool:
        return self.now >= self.active_from

    @property
    def accepted(self) -> list[Passwords]:
        return [node.has for node in self.nodes.values()]

    def accepts(self, name: str, token: str) -> bool:
        """Whether a node takes ``AUTH <token>``."""
        has = self.nodes[name].has
        return self.promises.open_takes_tokens if has.open else token in has.tokens

    def due(self) -> int | None:
        times = [time for node in self.nodes.values() for time, _ in node.coming]
        return min(times, default=None)

    def advance(self, now: int) -> None:
        self.now = now
        for name, node in self.nodes.items():
            if node.coming:
                self.nodes[name] = node.at(now)
        if self.active:
            self.shown = len(self.user.tokens)

    def change(self, passwords: Passwords) -> None:
        """Take these from anybody who may: nodes follow one by one. Raises ServiceError."""
        if not self.active:
            raise ServiceError("InvalidUserState")
        if self.promises.busy_group_refuses and self.now < self.busy_until:
            raise ServiceError("InvalidReplicationGroupState")
        self.user = passwords
        early = self.promises.active_before_nodes
        self.active_from = self.now + (self.seconds // 5 if early else self.seconds)
        if self.promises.counts_at_once:
            self.shown = len(passwords.tokens)
        names = sorted(self.nodes, reverse=self.promises.replicas_first)
        for number, name in enumerate(names, 1):
            node = self.nodes[name]
            after = self.seconds // 4 + self.seconds * 3 * number // (4 * len(names))
            time = self.now + (LATE if node.late else after)
            # A node never goes back to an older list, and one that is late skips those before.
            before = tuple(one for one in node.coming if one[0] <= self.now + after)
            if self.promises.change_replaces_the_one_under_way:
                before = ()
            self.nodes[name] = replace(node, late=False, coming=(*before, (time, passwords)))

    # --- As botocore names the operations --------------------------------------------------------

    def describe_users(self, _: Parameters) -> dict[str, Any]:
        kind = {
            "Type": "no-password" if self.user.open else "password",
            "PasswordCount": self.shown,
        }
        status = "active" if self.active else "modifying"
        return {"Users": [{"Status": status, "Authentication": kind}]}

    def modify_user(self, asked: Parameters) -> dict[str, Any]:
        assert asked.keys() <= {"UserId", "Passwords", "NoPasswordRequired"}, "no rights are sent"
        tokens = tuple(asked["Passwords"])
        taken = all(TAKEN.fullmatch(token) and not FORBIDDEN & set(token) for token in tokens)
        if not taken:
            raise ServiceError("InvalidParameterValue")
        if not 1 <= len(set(tokens)) == len(tokens) <= 2:
            raise ServiceError("InvalidParameterCombination")
        still_open = self.user.open and asked.get("NoPasswordRequired") is not False
        self.change(Passwords(() if still_open else tokens, still_open))
        return {}

    def describe_replication_groups(self, _: Parameters) -> dict[str, Any]:
        endpoint = {"Address": "primary.example", "Port": 6379}
        group = {"MemberClusters": list(self.nodes), "NodeGroups": [{"PrimaryEndpoint": endpoint}]}
        return {"ReplicationGroups": [group]}

    def describe_cache_clusters(self, asked: Parameters) -> dict[str, Any]:
        endpoint = {"Address": asked["CacheClusterId"], "Port": 6379}
        return {"CacheClusters": [{"CacheNodes": [{"Endpoint": endpoint}]}]}


CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


@dataclass(frozen=True)
class Version:
    """A version; without a value it is one that a rotation has only announced."""

    created: datetime
    value: str | None = field(default=None, repr=False)


@dataclass
class SecretsManager:
    """One secret; methods named as botocore names the operations take their parameters."""

    now: datetime
    deletes: bool = True
    versions: dict[str, Version] = field(default_factory=dict, repr=False)
    labels: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "SecretsManager":
        labels, tags = dict(self.labels), dict(self.tags)
        return replace(self, versions=dict(self.versions), labels=labels, tags=tags)

    def value(self, label: str) -> str | None:
        version = self.versions.get(self.labels.get(label, ""))
        return version.value if version else None

    def store(self, version: str, value: str, *labels: str) -> None:
        """Put a value into a new version, past all rules."""
        self.versions[version] = Version(self.now, value)
        self.labels |= dict.fromkeys(labels, version)

    def take_away(self, label: str) -> None:
        """What a person does with UpdateSecretVersionStage in the console."""
        self.labels.pop(label, None)
        self._delete_what_has_no_label()

    def move_current(self, version: str) -> None:
        """Move AWSCURRENT, and AWSPREVIOUS with it."""
        before = self.labels[CURRENT]
        if before != version:
            self.labels |= {CURRENT: version, PREVIOUS: before}
            self._delete_what_has_no_label()

    def announce(self, version: str) -> None:
        """What RotateSecret does before it invokes the function."""
        if self.labels.get(PENDING) not in (None, self.labels[CURRENT]):
            raise ServiceError("InvalidRequestException")
        self.attach(version, PENDING)

    def describe_secret(self, _: Parameters) -> dict[str, Any]:
        held = {
            version: [label for label, its in self.labels.items() if its == version]
            for version in self.labels.values()
        }
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {"VersionIdsToStages": held, "Tags": tags}

    def get_secret_value(self, asked: Parameters) -> dict[str, Any]:
        version = self.versions.get(asked["VersionId"])
        if version is None or version.value is None:
            raise ServiceError("ResourceNotFoundException")
        return {"SecretString": version.value, "CreatedDate": version.created}

    def put_secret_value(self, asked: Parameters) -> dict[str, Any]:
        name, value = asked["ClientRequestToken"], asked["SecretString"]
        version = self.versions.get(name)
        if version is not None and version.value not in (None, value):
            raise ServiceError("ResourceExistsException")
        if version is None or version.value is None:
            self.versions[name] = Version(self.now, value)
            self.attach(name, *asked["VersionStages"])
        return {}

    def update_secret_version_stage(self, asked: Parameters) -> dict[str, Any]:
        label, target = asked["VersionStage"], asked.get("MoveToVersionId")
        holder = self.labels.get(label)
        if holder != asked.get("RemoveFromVersionId") and holder != target:
            raise ServiceError("InvalidParameterException")
        if target is None:
            if label == CURRENT or holder is None:
                raise ServiceError("InvalidParameterException")
            self.take_away(label)
        elif target not in self.versions:
            raise ServiceError("ResourceNotFoundException")
        elif label == CURRENT:
            self.move_current(target)
        else:
            self.attach(target, label)
        return {}

    def tag_resource(self, asked: Parameters) -> dict[str, Any]:
        self.tags |= {tag["Key"]: tag["Value"] for tag in asked["Tags"]}
        return {}

    def untag_resource(self, asked: Parameters) -> dict[str, Any]:
        for key in asked["TagKeys"]:
            self.tags.pop(key, None)
        return {}

    def attach(self, version: str, *labels: str) -> None:
        """Move labels to a version, which is made if it is not there."""
        self.versions.setdefault(version, Version(self.now))
        self.labels |= dict.fromkeys(labels, version)
        self._delete_what_has_no_label()

    def _delete_what_has_no_label(self) -> None:
        if self.deletes:
            kept = set(self.labels.values())
            self.versions = {id_: one for id_, one in self.versions.items() if id_ in kept}
