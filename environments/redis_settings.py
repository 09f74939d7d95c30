"""The replication group: what an environment file says under [redis]."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    ValidationInfo,
    field_validator,
)

from environments.access import EXTRA_COMMANDS, access_string
from environments.attached_settings import Attached
from environments.engines import Engine, engine
from environments.node_types import NodeType, node_type
from environments.parameters import check_parameter
from environments.section import TEXT, Problems, Refusal, Section, at_least, at_most, matching, rule
from environments.tags import NAME_TAG
from environments.topology import Topology
from environments.windows import Window, maintenance_window, snapshot_window

PORT = 6379
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
LONGEST_GROUP_ID = 40
LONGEST_DESCRIPTION = 255
LONGEST_RETENTION_DAYS = 35
MOST_REPLICAS = 5
_REPLICAS = f"ElastiCache makes 0 to {MOST_REPLICAS} for each primary; the plan (§2.1) has 2"
MOST_NODES = 90
TIERED_POLICIES = ("volatile-lru", "allkeys-lru", "noeviction")

# By the client package and its scripts, and by our functions, in lower case.
COMMANDS_IN_USE = frozenset(
    (
        *("auth", "append", "client", "cluster", "dbsize", "del", "eval", "evalsha", "expire"),
        *("get", "getrange", "hello", "info", "mget", "pexpire", "ping", "pttl", "readonly"),
        *("scan", "script", "select", "set", "setrange", "strlen", "time", "ttl", "type"),
    )
)

_GROUP_ID = matching(
    rf"(?=.{{1,{LONGEST_GROUP_ID}}}$)[a-z](?:-?[a-z0-9])*",
    "replication group id {} is malformed",
    f"ElastiCache takes up to {LONGEST_GROUP_ID} lower-case letters, digits and single hyphens, "
    "begins with a letter and does not end with a hyphen",
    'Write for example "vibewell-redis"',
)


def _moment(text: str) -> str:
    """As ``make scale`` writes it: a UTC time to the second that is no more than a day ahead."""
    try:
        moment = datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
        if moment.strftime(MOMENT) != text:  # two digits of each, and those of English
            raise ValueError
        wrong = "is in the future" if moment > datetime.now(UTC) + timedelta(days=1) else ""
    except ValueError:
        wrong = "is no time of the form 2026-01-31T10:00:00Z"
    if wrong:
        raise Refusal(
            f"{text!r} {wrong}. make deploy refuses revisions from before it, and from then on it "
            "would refuse all. Take the line from the patch that make scale left, or leave the "
            "key out."
        )
    return text


def _text_or_whole_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refusal(
            "it is neither text nor a whole number. ElastiCache takes no other values. Write a "
            "whole number, or text in quotes."
        )
    return value


class Redis(Section):
    """One replication group. Source of each rule: ElastiCache API, CreateReplicationGroup."""

    existing: bool = False  # somebody else owns the group: docs/start/adoption.md
    attached: Attached | None = None
    replication_group_id: Annotated[str, _GROUP_ID]
    engine: Annotated[Engine, BeforeValidator(engine)]
    node_type: Annotated[NodeType, BeforeValidator(node_type), TEXT]
    wanted_memory_gib: Annotated[
        PositiveFloat,
        at_least(0.1, "GiB are meant, and the smallest node has 0.4"),
        at_most(60_000, "GiB are meant, and 90 of the largest nodes have no more"),
    ]
    cluster_mode: bool = False
    shards: int = Field(default=1, ge=1)
    replicas: Annotated[int, at_least(0, _REPLICAS), at_most(MOST_REPLICAS, _REPLICAS)]
    automatic_failover: bool
    multi_az: bool
    parameter_group_name: str = Field(
        min_length=1, max_length=LONGEST_DESCRIPTION, pattern=NAME_TAG
    )
    parameters: dict[str, Annotated[str | int, BeforeValidator(_text_or_whole_number)]]
    snapshot_window: Annotated[Window, BeforeValidator(snapshot_window), TEXT]
    snapshot_retention_days: Annotated[
        int,
        at_least(1, "0 turns the daily backup off, and the plan (§4.1) restores from it monthly"),
        at_most(
            LONGEST_RETENTION_DAYS,
            f"ElastiCache keeps an automatic snapshot 1 to {LONGEST_RETENTION_DAYS} days",
        ),
    ]
    maintenance_window: Annotated[Window, BeforeValidator(maintenance_window), TEXT]
    auto_minor_version_upgrade: bool
    encryption_at_rest: bool
    encryption_in_transit: bool
    auth_token: bool
    extra_commands: Annotated[tuple[str, ...], Field(strict=False)] = ()
    data_tiering: bool = False
    durability: Literal["default", "sync", "async", "disabled"] = "default"
    log_retention_days: int
    # When make scale changed the group last: a revision without it is not deployed.
    scaled: Annotated[str, AfterValidator(_moment)] | None = None

    @property
    def topology(self) -> Topology:
        """The nodes and their names."""
        return Topology(self.replication_group_id, self.cluster_mode, self.shards, self.replicas)

    @property
    def rotates(self) -> bool:
        """Whether the token is rotated: not while clients of an attached group keep it."""
        return self.attached is None or self.attached.clients_read_secret

    @property
    def access_string(self) -> str:
        """The rights of the user that clients log in as."""
        everything = self.attached is not None and not self.attached.plan_rights
        return access_string(self.extra_commands, everything=everything)

    @field_validator("encryption_at_rest", "encryption_in_transit", "auth_token")
    @classmethod
    def _protection_stays_on(cls, value: bool, info: ValidationInfo) -> bool:
        owned = info.field_name != "encryption_at_rest" or not info.data.get("existing")
        if not value and owned:
            raise Refusal(
                "it is switched off. The plan (§2.1, §2.3) asks for encryption at rest, TLS and "
                "an AUTH token; ElastiCache refuses a token without TLS, and turning one of the "
                "three on later replaces the group. Write true."
            )
        return value

    @field_validator("extra_commands")
    @classmethod
    def _extra_commands_are_ones_that_may_be_allowed(
        cls, value: tuple[str, ...]
    ) -> tuple[str, ...]:
        for command in value:
            if command not in EXTRA_COMMANDS or value.count(command) > 1:
                raise Refusal(
                    f"{command!r} cannot be added to what the user may do. It is there twice, "
                    "allowed already, or blocked by ElastiCache. Write some of "
                    f"{', '.join(EXTRA_COMMANDS)}, each once."
                )
        return value

    @field_validator("log_retention_days")
    @classmethod
    def _logs_are_kept_for_a_time_that_cloudwatch_knows(cls, value: int) -> int:
        if value not in LOG_RETENTION_DAYS:
            choices = ", ".join(map(str, LOG_RETENTION_DAYS))
            raise Refusal(
                f"log retention is {value} days. CloudWatch Logs keeps logs for one of {choices} "
                f"days. Write {min(LOG_RETENTION_DAYS, key=lambda days: abs(days - value))}."
            )
        return value

    @rule
    def _a_group_of_somebody_elses_is_described(self) -> Problems:
        if self.attached and self.attached.reader_address and self.cluster_mode:
            yield (
                "attached.reader_address: it is there in cluster mode. ElastiCache has one "
                "address for all shards, and clients find the replicas by it. Leave it out."
            )
        if self.existing == (self.attached is not None):
            return
        yield (
            f"existing: existing is {str(self.existing).lower()}, and [redis.attached] is "
            f"{'missing' if self.existing else 'there'}. A group that somebody else owns is read "
            "by what the table says of it, and one of this deployment's own has no such table. "
            "Run make adopt, which writes both, or take both away."
        )

    @rule
    def _node_type_runs_this_engine(self) -> Problems:
        if self.node_type.previous_generation and not self.existing:
            yield (
                f"node_type: node_type {self.node_type.name!r} is of the previous generation. "
                "ElastiCache keeps such nodes running but creates no new ones. Write a t3, t4g, m "
                "or r type."
            )
        if self.node_type.valkey_only and self.engine.engine != "valkey":
            yield (
                f"node_type: node_type {self.node_type.name!r} runs Valkey only, not "
                f"{self.engine.name}. ElastiCache lists this family for Valkey. Write a t3, t4g, "
                "m5 to m7g or r5 to r7g type, or choose a Valkey engine."
            )

    @rule
    def _shards_go_with_cluster_mode(self) -> Problems:
        if self.shards > 1 and not self.cluster_mode:
            yield (
                f"shards: shards is {self.shards} without cluster mode. A group without cluster "
                "mode has one shard. Write cluster_mode = true, or shards = 1."
            )
        if self.topology.node_count > MOST_NODES:
            yield (
                f"shards: {self.topology.node_count} nodes are asked for. ElastiCache takes "
                f"{MOST_NODES} in one group, unless AWS raised the quota. Write fewer shards or "
                "replicas."
            )

    @rule
    def _failover_has_a_replica(self) -> Problems:
        for key in ("automatic_failover", "multi_az", "cluster_mode"):
            if getattr(self, key) and not self.replicas:
                yield (
                    f"{key}: it is true with no replica. ElastiCache refuses failover and Multi-AZ "
                    "without a replica to promote, and CloudFormation cannot update cluster mode "
                    f"without one. Write replicas = 1 or more, or {key} = false."
                )

    @rule
    def _multi_az_and_cluster_mode_fail_over(self) -> Problems:
        for key, asked in (("multi_az", self.multi_az), ("cluster_mode", self.cluster_mode)):
            if asked and not self.automatic_failover:
                yield (
                    f"{key}: it is true without automatic failover. ElastiCache refuses the one "
                    "without the other. Write automatic_failover = true."
                )

    @rule
    def _parameters_are_ones_that_can_be_set(self) -> Problems:
        for name, value in self.parameters.items():
            try:
                check_parameter(self.engine.family, name, str(value))
            except ValueError as problem:
                yield f"parameters.{name}: {problem}"

    @rule
    def _writes_need_no_more_replicas_than_there_are(self) -> Problems:
        least = int(self.parameters.get("min-replicas-to-write", 0))
        if least > self.replicas:
            yield (
                f"parameters.min-replicas-to-write: {least} replicas are needed for a write, and "
                f"there are {self.replicas}. Redis would refuse every write. Write at most "
                f"{max(self.replicas - 1, 0)}, so that one can be lost."
            )

    @rule
    def _commands_in_use_keep_their_names(self) -> Problems:
        names = str(self.parameters.get("rename-commands", "")).lower().split()
        twice = {name for name in names if names.count(name) > 1 and name != "blocked"}
        if taken := sorted(COMMANDS_IN_USE & {*names} | twice):
            yield (
                f"parameters.rename-commands: {', '.join(taken)} would be another command, or have "
                "two names. The client package, the health check, rotation and the recovery test "
                f"call {', '.join(sorted(COMMANDS_IN_USE))}, and each name is one command. Leave "
                "it out: the user's rights say which commands are refused (extra_commands)."
            )

    @rule
    def _windows_do_not_overlap(self) -> Problems:
        if self.snapshot_window.overlaps(self.maintenance_window):
            yield (
                f"snapshot_window: snapshot window {self.snapshot_window.text} overlaps "
                f"maintenance window {self.maintenance_window.text}. ElastiCache refuses "
                "overlapping windows. Move one of them."
            )

    @rule
    def _data_tiering_has_its_nodes(self) -> Problems:
        if self.data_tiering and not self.node_type.supports_data_tiering:
            yield (
                f"data_tiering: it is true on {self.node_type.name}. ElastiCache tiers data on "
                "r6gd nodes only, and switching it replaces the group. Write data_tiering = "
                "false, or an r6gd node type."
            )
        if self.node_type.supports_data_tiering and not self.data_tiering:
            yield (
                f"data_tiering: it is false on {self.node_type.name}. ElastiCache runs r6gd nodes "
                "with data tiering only. Write data_tiering = true, or another node type."
            )

    @rule
    def _data_tiering_evicts_as_it_can(self) -> Problems:
        policy = self.parameters.get("maxmemory-policy", TIERED_POLICIES[0])
        if self.data_tiering and policy not in TIERED_POLICIES:
            yield (
                f"parameters.maxmemory-policy: {policy!r} is set with data tiering. ElastiCache "
                f'tiers data with {", ".join(TIERED_POLICIES)} only. Write "allkeys-lru" (§2.2).'
            )

    @property
    def may_be_durable(self) -> bool:
        """Whether ElastiCache may log every write: asked for, or left to it where it can."""
        return self.durability != "disabled" and not self._missing_for_durability()

    def _missing_for_durability(self) -> list[str]:
        needs = {
            "a Valkey 9.0 engine": self.engine.has_durability,
            "cluster_mode = true": self.cluster_mode,
            "multi_az = true": self.multi_az,
            "an m6g to m8g, r6g to r8g, c7gn or c8gn node": self.node_type.supports_durability,
        }
        return [need for need, met in needs.items() if not met]

    @rule
    def _durability_is_where_it_can_be(self) -> Problems:
        missing = self._missing_for_durability()
        if missing and self.durability in ("sync", "async"):
            yield (
                f"durability: durability {self.durability!r} cannot be had here. ElastiCache "
                "offers it from Valkey 9.0 on, in cluster mode over several zones on Graviton "
                f"nodes, and fixes it at creation. Write {', '.join(missing)}, or durability = "
                '"default".'
            )


LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)
