"""ModifyReplicationGroup: what changes at once, what waits for maintenance, what the nodes do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rehearsal import engines
from rehearsal.elasticache import group_rules, logs, reading
from rehearsal.elasticache.creation import check_runs_here
from rehearsal.elasticache.errors import NotRehearsedError, invalid_combination, invalid_value
from rehearsal.elasticache.jobs import Jobs
from rehearsal.elasticache.state import ReplicationGroup, State
from rehearsal.elasticache.token_rules import check_token
from rehearsal.elasticache.versions import find_node_type, find_version
from rehearsal.elasticache.views import replication_group
from rehearsal.elasticache.wire import Params
from rehearsal.nodes.tokens import TokenRefusedError, Tokens

NOT_REHEARSED = (
    "UserGroupIdsToAdd",
    "UserGroupIdsToRemove",
    "RemoveUserGroups",
    "TransitEncryptionEnabled",
    "TransitEncryptionMode",
    "ClusterMode",
    "Durability",
)
# Without ApplyImmediately these wait for the maintenance window.
DEFERRED = ("CacheNodeType", "CacheParameterGroupName", "Engine", "EngineVersion")

# The service shows these as soon as it has accepted them, and the others when the nodes have them.
AT_ONCE = (
    "description",
    "maintenance_window",
    "snapshot_window",
    "retention",
    "topic",
    "topic_active",
    "multi_az",
    "auto_minor",
    "security_groups",
    "logs",
)
WITH_THE_NODES = ("version", "node_type", "parameter_group", "automatic_failover")

Step = Callable[[], object]


def modify(state: State, jobs: Jobs, params: Params) -> dict[str, Any]:
    """ModifyReplicationGroup."""
    group = state.available(reading.required(params, "ReplicationGroupId"), "modify")
    now = reading.flag(params, "ApplyImmediately") or False
    _check_rehearsed(group, params)
    changed = _changed(state, group, params)
    group_rules.check(changed)
    tokens = _tokens(group, params, now)
    promoted = _promoted(group, params)
    steps = _steps(state, group, changed) if now else []
    if promoted is not None:
        steps.append(lambda: group.running.promote(promoted))
    if tokens is not None:
        steps.append(lambda: _change_tokens(state, group, tokens))
    announced = _announced(group, changed) if now else []
    _adopt(group, changed, AT_ONCE)
    if tokens is not None:
        set_only = reading.text(params, "AuthTokenUpdateStrategy") == "SET"
        group.token_status = "SETTING" if set_only else "ROTATING"
    if not now:
        group.pending |= {name: params[name] for name in DEFERRED if name in params}

    def done() -> None:
        group.token_status = None
        if now:
            _adopt(group, changed, WITH_THE_NODES)
        for event in announced:
            state.announce(group, event)

    kind = "modifying" if tokens is None else "rotating"
    jobs.run(group, "modifying", kind, lambda: _run(steps), done)
    return {"ReplicationGroup": replication_group(group)}


def _announced(group: ReplicationGroup, changed: ReplicationGroup) -> list[str]:
    """The events that tell of a modification when it is done."""
    return [
        event
        for event, differs in (
            ("ReplicationGroupScalingComplete", group.node_type != changed.node_type),
            ("CacheClusterParametersChanged", group.parameter_group != changed.parameter_group),
            (
                "CacheClusterSecurityGroupModified",
                group.security_groups != changed.security_groups,
            ),
        )
        if differs
    ]


def run_maintenance(state: State, jobs: Jobs, group_id: str) -> None:
    """Do now what was put off to the maintenance window."""
    group = state.available(group_id, "modify")
    pending, group.pending = group.pending, {}
    if pending:
        modify(state, jobs, pending | {"ReplicationGroupId": group_id, "ApplyImmediately": True})


def _check_rehearsed(group: ReplicationGroup, params: Params) -> None:
    mode = reading.text(params, "TransitEncryptionMode")
    if mode is not None:
        group_rules.check(replace(group, tls_mode=mode))
    for name in NOT_REHEARSED:
        if params.get(name):
            raise NotRehearsedError(f"ModifyReplicationGroup with {name}")
    if reading.flag(params, "AutomaticFailoverEnabled") is False and group.cluster_mode:
        raise invalid_combination(
            "Turning off automatic failover for replication group with cluster mode enabled is "
            "not supported."
        )


def _changed(state: State, group: ReplicationGroup, params: Params) -> ReplicationGroup:
    changed = replace(group)
    for parameter, attribute in (
        ("ReplicationGroupDescription", "description"),
        ("PreferredMaintenanceWindow", "maintenance_window"),
        ("SnapshotWindow", "snapshot_window"),
        ("NotificationTopicArn", "topic"),
    ):
        value = reading.text(params, parameter)
        if value is not None:
            setattr(changed, attribute, value)
    status = reading.text(params, "NotificationTopicStatus")
    if status is not None:
        changed.topic_active = status == "active"
    elif changed.topic != group.topic:
        changed.topic_active = True
    for parameter, attribute in (
        ("AutomaticFailoverEnabled", "automatic_failover"),
        ("MultiAZEnabled", "multi_az"),
        ("AutoMinorVersionUpgrade", "auto_minor"),
    ):
        wanted = reading.flag(params, parameter)
        if wanted is not None:
            setattr(changed, attribute, wanted)
    retention = reading.number(params, "SnapshotRetentionLimit")
    if retention is not None:
        changed.retention = retention
    security_groups = reading.items(params, "SecurityGroupIds")
    if security_groups is not None:
        changed.security_groups = security_groups
    if "CacheNodeType" in params:
        changed.node_type = find_node_type(reading.required(params, "CacheNodeType"))
    _change_engine(state, group, changed, params)
    requests = reading.items(params, "LogDeliveryConfigurations") or []
    changed.logs = logs.read(group.logs, requests, changed.version)
    return changed


def _change_engine(
    state: State, group: ReplicationGroup, changed: ReplicationGroup, params: Params
) -> None:
    engine = reading.text(params, "Engine") or group.version.engine
    wanted = reading.text(params, "EngineVersion")
    if wanted is None and engine == group.version.engine:
        wanted = group.version.text
    changed.version = find_version(engine, wanted)
    group_rules.check_upgrade(group.version, changed.version)
    name = reading.text(params, "CacheParameterGroupName")
    if name is not None:
        changed.parameter_group = state.parameter_group(name)
    elif changed.version.family != group.version.family and group.parameter_group.is_default:
        suffix = ".cluster.on" if group.cluster_mode else ""
        changed.parameter_group = state.parameter_group(f"default.{changed.version.family}{suffix}")
    if changed.parameter_group.cluster_mode != group.cluster_mode:
        raise invalid_combination(
            "The parameter group's cluster-enabled differs from the replication group's."
        )
    check_runs_here(changed.version)


def _tokens(group: ReplicationGroup, params: Params, now: bool) -> Tokens | None:
    token = reading.text(params, "AuthToken")
    strategy = reading.text(params, "AuthTokenUpdateStrategy")
    if token is None:
        if strategy == "DELETE":
            raise NotRehearsedError("remove the AUTH token for RBAC")
        if strategy is not None:
            raise invalid_combination("AuthTokenUpdateStrategy must be given with AuthToken.")
        return None
    check_token(token)
    if not group.tls:
        raise invalid_value(
            "The AUTH token is only supported when encryption-in-transit is enabled."
        )
    if not now:
        raise invalid_combination("A change of the AUTH token must be applied immediately.")
    if strategy in (None, "ROTATE"):
        return group.tokens.rotate(token)
    if strategy != "SET":
        raise invalid_value(f"Invalid AuthTokenUpdateStrategy: {strategy}.")
    try:
        return group.tokens.set(token)
    except TokenRefusedError as refused:
        raise invalid_value(f"Invalid AuthToken provided. {refused}.") from None


def _promoted(group: ReplicationGroup, params: Params) -> str | None:
    name = reading.text(params, "PrimaryClusterId")
    if name is None:
        return None
    if group.cluster_mode:
        raise invalid_combination("PrimaryClusterId is for groups without cluster mode.")
    if name not in [member.name for member in group.running.members]:
        raise invalid_value(f"{name} is not a member of {group.id}.")
    multi_az = reading.flag(params, "MultiAZEnabled")
    if group.multi_az if multi_az is None else multi_az:
        raise invalid_combination("A replica cannot be promoted while Multi-AZ is enabled.")
    return None if name == group.running.shards[0].primary.name else name


def _steps(state: State, group: ReplicationGroup, changed: ReplicationGroup) -> list[Step]:
    nodes = group.running
    steps: list[Step] = []
    values = changed.parameter_group.effective()
    server = changed.version
    if server != group.version:
        steps.append(lambda: nodes.upgrade(engines.obtain(server.engine, server.short), values))
    if changed.node_type != group.node_type or changed.parameter_group != group.parameter_group:
        size = state.node_bytes(changed.node_type)
        steps.append(lambda: nodes.configure(values, size))
    if changed.automatic_failover != group.automatic_failover:
        steps.append(lambda: nodes.set_automatic_failover(changed.automatic_failover))
    return steps


def _change_tokens(state: State, group: ReplicationGroup, tokens: Tokens) -> None:
    group.running.set_tokens(tokens)
    with state.lock:
        group.tokens = tokens
        group.token_changed = state.clock()


def _adopt(group: ReplicationGroup, changed: ReplicationGroup, names: tuple[str, ...]) -> None:
    for name in names:
        setattr(group, name, getattr(changed, name))


def _run(steps: list[Step]) -> None:
    for step in steps:
        step()
