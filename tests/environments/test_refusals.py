"""What AWS would refuse, or an owner would regret, is refused before synth: each rule's two sides.

A case is a change of production's file, and the words that the message must hold; where a row has
a second change, that one stands just on the other side of the rule and is accepted.
"""

from pathlib import Path

import pytest
import tomli_w

from constructs.recovery.recovery_machine import LONGEST_SECONDS
from environments.load import SettingsError, load, refuse_shared_servers
from environments.recovery_settings import LONGEST_OBJECTIVE_MINUTES
from environments.schema import Settings
from tests.support import Document
from tests.variants import (
    ABSENT,
    DURABLE,
    LARGE,
    OWN_VPC,
    REAL,
    SHARDED,
    SINGLE,
    Change,
    changed,
)

_LIMITS = "application.rate_limits"
_HOUR = {"requests": 100, "seconds": 3600}

# (what is wrong, the key that the message names, words of the message, what is accepted instead)
RULES: list[tuple[Change, str, list[str], Change]] = [
    # Unknown and misspelt things
    (
        {"application.server_tag.value": "*"},
        "application.server_tag.value",
        ["matches no server"],
        {"application.server_tag.value": "web: a/b=c+d@e"},
    ),
    ({"application.server_tag.name": "role"}, "application.server_tag.name", ["unknown key"], {}),
    ({"redis.replcas": 2}, "redis.replcas", ["unknown key", "replicas"], {}),
    *(
        ({f"{_LIMITS}.{key}": value}, f"{_LIMITS}.{named}", said, {f"{_LIMITS}.{key}": instead})
        for key, value, named, said, instead in [
            ("mfa", _HOUR | {"requests": 0}, "mfa.requests", ["greater than 0"], _HOUR),
            ("mfa", _HOUR | {"size": 1}, "mfa.size", ["keys here are: requests, seconds"], _HOUR),
            ("mfa", [_HOUR, _HOUR], "mfa", ["same length"], [_HOUR, _HOUR | {"seconds": 1}]),
            ("mfa", [], "mfa", ["0 windows", "1 to 8"], [_HOUR]),
            ("mfa", [_HOUR | {"seconds": n} for n in range(1, 10)], "mfa", ["9 windows"], _HOUR),
            ("mfa", _HOUR | {"seconds": 1_209_601}, "mfa.seconds", ["at most 1209600"], _HOUR),
            ("free", {"requests": 5}, "free.seconds", ["missing"], _HOUR),
            ("free", [_HOUR, {"seconds": 5}], "free.1.requests", ["missing"], _HOUR),
            ("free", 60, "free", ["valid dictionary"], _HOUR),
        ]
    ),
    *(
        ({f"{_LIMITS}.{name}": _HOUR}, f"{_LIMITS}.{name}", said, {f"{_LIMITS}.{other}": _HOUR})
        for name, said, other in [
            ("Free", ["cannot be published", "lower-case"], "free"),
            ("tiers", ["RATE_LIMIT_TIERS"], "tiers_of"),
            ("9lives", ["a letter first"], "n" * 32),
            ("n" * 33, ["1 to 32"], "pro-plus"),
        ]
    ),
    ({"surplus.key": 1}, "surplus", ["unknown key", "alarms, application"], {}),
    ({"redis.replicas": ABSENT}, "redis.replicas", ["missing"], {"redis.replicas": 1}),
    ({"redis.replicas": "2"}, "redis.replicas", ["whole number"], {"redis.replicas": 5}),
    ({"redis.multi_az": "yes"}, "redis.multi_az", ["true or false"], {}),
    ({"redis.engine": ["redis-6.2"]}, "redis.engine", ["text, in quotes"], {}),
    ({"redis.engine": 6.2}, "redis.engine", ["text, in quotes"], {}),
    ({"redis.node_type": ["cache.t3.medium"]}, "redis.node_type", ["text, in quotes"], {}),
    ({"redis.node_type": 3}, "redis.node_type", ["text, in quotes"], {}),
    ({"redis.snapshot_window": 2}, "redis.snapshot_window", ["text, in quotes"], {}),
    ({"redis.maintenance_window": 3}, "redis.maintenance_window", ["text, in quotes"], {}),
    (
        {"alarms.replication_lag_ms.critical": float("inf")},
        "alarms.replication_lag_ms.critical",
        ["finite number"],
        {"alarms.replication_lag_ms.critical": 60_000.0},
    ),
    (
        {"rotation.retire_after_hours": 2136},
        "rotation.retire_after_hours",
        ["the next rotation", "at most 2135"],
        {"rotation.retire_after_hours": 2135},
    ),
    ({"redis.engine": "redis-6.x"}, "redis.engine", ["redis-6.2"], {"redis.engine": "redis-7.0"}),
    ({"redis.engine": "redis-7.2"}, "redis.engine", ["redis-7.1"], {"redis.engine": "valkey-7.2"}),
    ({"redis.node_type": "cache.t3.meduim"}, "redis.node_type", ["cache.t3.medium"], {}),
    ({"redis.node_type": "cache.t2.small"}, "redis.node_type", ["previous generation"], LARGE),
    (
        {**LARGE, "redis.node_type": "cache.m8g.large"},
        "redis.node_type",
        ["Valkey only"],
        {**LARGE, "redis.node_type": "cache.m8g.large", "redis.engine": "valkey-8.0"},
    ),
    # Parameters
    (
        {"redis.parameters.appendonly": "yes"},
        "redis.parameters.appendonly",
        ["append-only file", "snapshots", "Valkey 9", "MemoryDB"],
        {},
    ),
    (
        {"redis.parameters.appendfsync": "everysec"},
        "redis.parameters.appendfsync",
        ["append-only file", "MemoryDB"],
        {},
    ),
    (
        {"redis.parameters.maxclients": 10000},
        "redis.parameters.maxclients",
        ["46,000"],
        {"application.max_clients": 5000},
    ),
    (
        {"redis.parameters.cluster-enabled": "yes"},
        "redis.parameters.cluster-enabled",
        ["cluster_mode"],
        SHARDED,
    ),
    (
        {"redis.parameters.maxmemory-polcy": "allkeys-lru"},
        "redis.parameters.maxmemory-polcy",
        ["maxmemory-policy"],
        {},
    ),
    (
        {"redis.parameters.timeout": 19},
        "redis.parameters.timeout",
        ["20"],
        {"redis.parameters.timeout": 20},
    ),
    (
        {"redis.parameters.maxmemory-policy": "allkeys_lru"},
        "redis.parameters.maxmemory-policy",
        ["allkeys-lru"],
        {"redis.parameters.maxmemory-policy": "volatile-ttl"},
    ),
    # Windows
    ({"redis.snapshot_window": "2-3"}, "redis.snapshot_window", ["hh:mm-hh:mm"], {}),
    (
        {"redis.snapshot_window": "02:00-02:59"},
        "redis.snapshot_window",
        ["59 minutes", "60"],
        {"redis.snapshot_window": "01:59-02:59"},
    ),
    (
        {"redis.snapshot_window": "02:00-03:01"},
        "redis.snapshot_window",
        ["overlaps"],
        {"redis.snapshot_window": "02:00-03:00"},
    ),
    (
        {"redis.snapshot_window": "23:30-03:30"},
        "redis.snapshot_window",
        ["overlaps"],
        {"redis.snapshot_window": "23:30-03:00"},
    ),
    (
        {"redis.snapshot_window": "00:00-01:00", "redis.maintenance_window": "sun:23:00-mon:01:00"},
        "redis.snapshot_window",
        ["overlaps"],
        {"redis.snapshot_window": "01:00-02:00", "redis.maintenance_window": "sun:23:00-mon:01:00"},
    ),
    (
        {"redis.maintenance_window": "sun:03:00-sun:03:30"},
        "redis.maintenance_window",
        ["30 minutes"],
        {"redis.maintenance_window": "sun:03:00-sun:04:00"},
    ),
    (
        {"redis.maintenance_window": "Sunday 03:00"},
        "redis.maintenance_window",
        ["sun:03:00-sun:05:00"],
        {},
    ),
    (
        {"redis.maintenance_window": "sun:05:00-sun:03:00"},
        "redis.maintenance_window",
        ["166 hours"],
        {},
    ),
    # Backups
    (
        {"redis.snapshot_retention_days": 0},
        "redis.snapshot_retention_days",
        ["daily backup", "§4.1"],
        {"redis.snapshot_retention_days": 1},
    ),
    (
        {"redis.snapshot_retention_days": 36},
        "redis.snapshot_retention_days",
        ["1 to 35"],
        {"redis.snapshot_retention_days": 35},
    ),
    # Topology
    ({"redis.replicas": 6}, "redis.replicas", ["0 to 5"], {"redis.replicas": 5}),
    ({"redis.shards": 2}, "redis.shards", ["cluster_mode"], {**SHARDED, "redis.shards": 2}),
    (
        {**SHARDED, "redis.shards": 31},
        "redis.shards",
        ["93 nodes", "90"],
        {**SHARDED, "redis.shards": 30},
    ),
    ({**SINGLE, "redis.automatic_failover": True}, "redis.automatic_failover", ["replica"], SINGLE),
    (
        {**SINGLE, "redis.multi_az": True},
        "redis.multi_az",
        ["replica"],
        {"redis.replicas": 1},
    ),
    (
        {**SINGLE, "redis.cluster_mode": True},
        "redis.cluster_mode",
        ["replica"],
        {**SHARDED, "redis.shards": 1},
    ),
    (
        {"redis.automatic_failover": False},
        "redis.multi_az",
        ["automatic_failover = true"],
        {"redis.automatic_failover": False, "redis.multi_az": False},
    ),
    # Encryption, data tiering, durability
    ({"redis.encryption_in_transit": False}, "redis.encryption_in_transit", ["without TLS"], {}),
    ({"redis.encryption_at_rest": False}, "redis.encryption_at_rest", ["replaces"], {}),
    # The user's rights
    *(
        ({"redis.extra_commands": extra}, "redis.extra_commands", ["flushall"], {})
        for extra in (["config"], ["get"], ["@dangerous"], ["keys", "keys"], ["KEYS"], [""])
    ),
    ({"redis.auth_token": False}, "redis.auth_token", ["AUTH token"], {}),
    (
        {"redis.data_tiering": True},
        "redis.data_tiering",
        ["r6gd"],
        {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True},
    ),
    (
        {**LARGE, "redis.node_type": "cache.r6gd.xlarge"},
        "redis.data_tiering",
        ["data_tiering = true"],
        LARGE,
    ),
    (
        {
            **LARGE,
            "redis.node_type": "cache.r6gd.xlarge",
            "redis.data_tiering": True,
            "redis.parameters.maxmemory-policy": "allkeys-random",
        },
        "redis.parameters.maxmemory-policy",
        ["allkeys-lru"],
        {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True},
    ),
    (
        {**DURABLE, "redis.engine": "valkey-8.2", "redis.durability": "sync"},
        "redis.durability",
        ["Valkey 9.0"],
        {**DURABLE, "redis.durability": "sync"},
    ),
    (
        {
            "redis.engine": "valkey-9.0",
            **LARGE,
            "redis.durability": "async",
        },
        "redis.durability",
        ["cluster_mode = true"],
        {**DURABLE, "redis.durability": "async"},
    ),
    (
        {**DURABLE, "redis.node_type": "cache.m5.large", "redis.durability": "sync"},
        "redis.durability",
        ["m6g to m8g"],
        {**DURABLE, "redis.node_type": "cache.r8g.large", "redis.durability": "sync"},
    ),
    ({"redis.durability": "always"}, "redis.durability", ["sync"], {"redis.durability": "default"}),
    ({"redis.log_retention_days": 10}, "redis.log_retention_days", ["14"], {}),
    # Thresholds
    (
        {"alarms.memory_percent.warning": 90},
        "alarms.memory_percent",
        ["not below critical"],
        {"alarms.memory_percent.warning": 89},
    ),
    (
        {"alarms.memory_percent.critical": 100},
        "alarms.memory_percent",
        ["100 %"],
        {"alarms.memory_percent.critical": 99},
    ),
    (
        {"alarms.replication_lag_ms.warning": 0},
        "alarms.replication_lag_ms.warning",
        ["greater"],
        {"alarms.replication_lag_ms.warning": 1},
    ),
    (
        {"alarms.replication_lag_ms.critical": 60001.0},
        "alarms.replication_lag_ms.critical",
        ["repl-timeout", "at most 60000"],
        {"alarms.replication_lag_ms.critical": 60_000.0},
    ),
    (
        {"alarms.hit_rate.minimum_reads_per_minute": 100_001},
        "alarms.hit_rate.minimum_reads_per_minute",
        ["at most 100000"],
        {"alarms.hit_rate.minimum_reads_per_minute": 100_000},
    ),
    (
        {"alarms.evictions_per_minute": 10**30},
        "alarms.evictions_per_minute",
        ["outage", "at most 60000"],
        {"alarms.evictions_per_minute": 60_000},
    ),
    (
        {"alarms.refused_logins_per_minute": 6_001},
        "alarms.refused_logins_per_minute",
        ["silent for ever", "at most 6000"],
        {"alarms.refused_logins_per_minute": 6_000},
    ),
    (
        {"alarms.swap_mib": 501},
        "alarms.swap_mib",
        ["disk", "at most 500"],
        {"alarms.swap_mib": 500},
    ),
    (
        {"alarms.hit_rate.warning_percent": 100},
        "alarms.hit_rate.warning_percent",
        ["less than 100"],
        {"alarms.hit_rate.warning_percent": 99},
    ),
    (
        {"alarms.connections.critical": 46000},
        "alarms.connections",
        ["46000 connections"],
        {"alarms.connections.critical": 45999},
    ),
    (
        {"alarms.cpu_credit_balance": ABSENT},
        "alarms.cpu_credit_balance",
        ["115"],
        {"alarms.cpu_credit_balance": 1},
    ),
    (
        {"redis.node_type": "cache.m6g.large"},
        "alarms.cpu_credit_balance",
        ["no CPU credits"],
        LARGE,
    ),
    (
        {"alarms.cpu_credit_balance": 576},
        "alarms.cpu_credit_balance",
        ["576 credits at most"],
        {"alarms.cpu_credit_balance": 575},
    ),
    (
        {"recovery.point_objective_hours": 169},
        "recovery.point_objective_hours",
        ["daily", "at most 168"],
        {"recovery.point_objective_hours": 168},
    ),
    (
        {"recovery.time_objective_minutes": 121},
        "recovery.time_objective_minutes",
        ["gives up", "at most 120"],
        {"recovery.time_objective_minutes": 120},
    ),
    # Connection budget
    (
        {"application.instances": 250},
        "application.instances",
        ["5000", "249"],
        {"application.instances": 249},
    ),
    (
        {"application.max_clients": 800},
        "application.instances",
        ["§5.3", "39"],
        {"application.max_clients": 801},
    ),
    # Ids and names
    ({"environment.account": "123"}, "environment.account", ["twelve digits"], REAL),
    (
        {**REAL, "notifications.slack_workspace_id": "T0EXAMPLE0"},
        "notifications.slack_workspace_id",
        ["example"],
        REAL,
    ),
    (
        {**REAL, "notifications.slack_channel_id": "C0EXAMPLE0"},
        "notifications.slack_channel_id",
        ["example"],
        REAL,
    ),
    (
        {**REAL, "notifications.pagerduty_secret_name": "example/pagerduty"},
        "notifications.pagerduty_secret_name",
        ["example"],
        REAL,
    ),
    (
        {"notifications.slack_workspace_id": "vibewell"},
        "notifications.slack_workspace_id",
        ["id"],
        {},
    ),
    ({"notifications.slack_channel_id": "#alerts"}, "notifications.slack_channel_id", ["id"], {}),
    ({"notifications.slack_channel_name": "Alerts"}, "notifications.slack_channel_name", ["#"], {}),
    ({"notifications.runbook_url": "docs"}, "notifications.runbook_url", ["https"], {}),
    ({"environment.region": "us-est-1"}, "environment.region", ["us-east-1"], {}),
    ({"environment.name": "Production"}, "environment.name", ["lower-case"], {}),
    (
        {"redis.replication_group_id": "r" * 41},
        "redis.replication_group_id",
        ["41 characters", "40"],
        {"redis.replication_group_id": "r" * 26},
    ),
    (
        {"redis.replication_group_id": "r" * 27},
        "redis.replication_group_id",
        ["27 characters", "-recovery-0000", "at most 26"],
        {"redis.replication_group_id": "r" * 26},
    ),
    (
        {"redis.replication_group_id": "vibewell--redis"},
        "redis.replication_group_id",
        ["hyphen"],
        {},
    ),
    ({"network.security_group_name": "sg-redis"}, "network.security_group_name", ["sg-"], {}),
    (
        {"network.security_group_name": "vibewell-production-app-sg"},
        "network",
        ["both"],
        {},
    ),
    ({"network.subnet_group_name": "Private Subnets"}, "network.subnet_group_name", ["lower"], {}),
    ({"environment.tags": {"aws:owner": "me"}}, "environment.tags", ["aws:"], {}),
    (
        {"environment.tags": {"owner": "x" * 257}},
        "environment.tags",
        ["256"],
        {"environment.tags": {"owner": "x" * 256}},
    ),
    # Letters and digits that AWS does not take for such
    (
        {"environment.tags": {"Environment": "staging"}},
        "environment.tags",
        ["sets itself", "another key"],
        {},
    ),
    ({"environment.tags": {"environment": "staging"}}, "environment.tags", ["sets itself"], {}),
    ({"environment.tags": {"NAME": "x"}}, "environment.tags", ["sets itself"], {}),
    ({"environment.tags": {"Owner": "a", "owner": "b"}}, "environment.tags", ["twice", "IAM"], {}),
    ({"environment.tags": {"AWS:owner": "me"}}, "environment.tags", ["aws:"], {}),
    ({"environment.tags": {"owner": ""}}, "environment.tags", ["1 to 256"], {}),
    ({"environment.tags": {"größe": "x"}}, "environment.tags", ["English letters"], {}),
    ({"environment.tags": {"size": "٣"}}, "environment.tags", ["English letters"], {}),
    ({"environment.account": "١١١١٢٢٢٢٣٣٣٣"}, "environment.account", ["twelve digits"], {}),
    ({"redis.snapshot_window": "0٢:00-03:00"}, "redis.snapshot_window", ["hh:mm-hh:mm"], {}),
    (
        {"redis.maintenance_window": "sun:0٣:00-sun:05:00"},
        "redis.maintenance_window",
        ["sun:03:00-sun:05:00"],
        {},
    ),
    (
        {"application.server_tag.value": "größe"},
        "application.server_tag.value",
        ["English letters"],
        {},
    ),
    (
        {"notifications.runbook_url": "https://example.com/größe"},
        "notifications.runbook_url",
        ["https"],
        {},
    ),
    ({"delivery.repository": "vibewell@١٢/redis@5"}, "delivery.repository", ["tokens"], {}),
    ({"delivery.repository": "vibewéll@12/redis@5"}, "delivery.repository", ["tokens"], {}),
    (
        {"redis.parameter_group_name": "p" * 256},
        "redis.parameter_group_name",
        ["255"],
        {"redis.parameter_group_name": "p" * 255},
    ),
    (
        {"redis.parameter_group_name": "params ١"},
        "redis.parameter_group_name",
        ["no other characters"],
        {},
    ),
    # Rotation
    (
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3600},
        "rotation.retire_after_hours",
        ["locked out", "2"],
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3599},
    ),
    (
        {"rotation.start_hour": 2},
        "rotation.start_hour",
        ["snapshot_window"],
        {"rotation.start_hour": 5},
    ),
    (
        {"rotation.start_hour": 21},
        "rotation.hours",
        ["next UTC day", "3"],
        {"rotation.start_hour": 20},
    ),
    (
        {"rotation.start_hour": 4, "redis.snapshot_window": "12:00-13:00"},
        "rotation.start_hour",
        ["maintenance_window"],
        {"rotation.start_hour": 5, "redis.snapshot_window": "12:00-13:00"},
    ),
    (
        {"rotation.day_of_month": 31},
        "rotation.day_of_month",
        ["28"],
        {"rotation.day_of_month": 28},
    ),
    (
        {"rotation.endpoints": ["secretsmanager"]},
        "rotation.endpoints",
        ["elasticache", "no internet"],
        {"rotation.endpoints": [], "rotation.endpoint_security_group_id": "sg-0a1b2c3d4e5f60718"},
    ),
    # A network of one's own
    ({"network.vpc.subnets": "public"}, "network.vpc.subnets", ["'private' or 'isolated'"], {}),
    (
        {"network.vpc.vpc_name": "vibewell-*"},
        "network.vpc.vpc_name",
        ["pattern", "the whole name"],
        {"network.vpc.vpc_name": "vibewell (a+b) [c]"},
    ),
    (
        {"network.vpc.vpc_name": "vibewell-productio?"},
        "network.vpc.vpc_name",
        ["pattern", "the whole name"],
        {"network.vpc.vpc_name": "vibewell (a+b) [c]"},
    ),
    (
        {"network.vpc.vpc_name": "vibewell\\\\*"},
        "network.vpc.vpc_name",
        ["pattern", "the whole name"],
        {"network.vpc.vpc_name": "vibewell (a+b) [c]"},
    ),
    (
        {"network.vpc.application_security_group_name": "*"},
        "network.vpc.application_security_group_name",
        ["pattern", "the whole name"],
        {"network.vpc.application_security_group_name": "vibewell (a+b) [c]"},
    ),
    ({"network.vpc.kind": "exsting"}, "network.vpc", ["existing"], OWN_VPC),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "zones": ["us-east-1a"]}},
        "network.vpc.zones",
        ["two"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "zones": ["us-east-1a", "eu-west-1a"]}},
        "network.vpc.zones",
        ["us-east-1"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "cidr": "8.8.0.0/16"}},
        "network.vpc.cidr",
        ["private"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "vpc_name": "vpc ١"}},
        "network.vpc.vpc_name",
        ["no other characters"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "application_security_group_name": "sg-app"}},
        "network.vpc.application_security_group_name",
        ["English letters"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "application_security_group_name": "app?"}},
        "network.vpc.application_security_group_name",
        ["English letters"],
        OWN_VPC,
    ),
    (
        {"network.vpc": {**OWN_VPC["network.vpc"], "cidr": "ten"}},
        "network.vpc.cidr",
        ["10.20.0.0"],
        OWN_VPC,
    ),
]


def refusals(document: Document, tmp_path: Path) -> list[str]:
    """The lines that a user sees for this document."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "production.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(SettingsError) as caught:
        load("production", folder)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("wrong", "key", "words", "right"),
    RULES,
    ids=[f"{number}-{rule[1]}" for number, rule in enumerate(RULES)],
)
def test_one_message_names_file_key_reason_and_remedy(
    document: Document, tmp_path: Path, wrong: Change, key: str, words: list[str], right: Change
) -> None:
    lines = refusals(changed(document, wrong), tmp_path)
    (line,) = [line for line in lines if line.startswith(f"environments/production.toml: {key}: ")]
    for word in words:
        assert word in line, line
    assert line.count(". ") >= 1, f"what is wrong and what to write: {line}"
    Settings.model_validate(changed(document, right))


def test_every_mistake_is_told_at_once(document: Document, tmp_path: Path) -> None:
    wrong = {"redis.engine": "redis-5", "environment.account": "1", "alarms.swap_mib": 0}
    assert len(refusals(changed(document, wrong), tmp_path)) == 3


def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "production.toml").write_text("[environment\n")
    with pytest.raises(SettingsError, match=r"production\.toml: is not TOML: .*line 1"):
        load("production", tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "production.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        load("production", tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "production.toml").mkdir()
    with pytest.raises(SettingsError, match=r"production.toml: cannot be read: Is a directory"):
        load("production", tmp_path)


def test_an_environment_without_a_file_is_told_which_have_one() -> None:
    with pytest.raises(SettingsError, match="development, production, staging"):
        load("prod")


def test_a_file_under_another_name_is_refused(document: Document, tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(SettingsError, match=r"environment\.name: .*'prod'"):
        load("prod", tmp_path)


def test_a_secret_in_the_wrong_place_is_not_repeated(document: Document, tmp_path: Path) -> None:
    address = "https://events.pagerduty.com/integration/0123456789abcdef/enqueue"
    lines = refusals(changed(document, {"notifications.pagerduty_secret_name": address}), tmp_path)
    assert "0123456789abcdef" not in "\n".join(lines)
    assert "Secrets Manager" in lines[0]


def test_what_is_settled_cannot_be_changed(document: Document) -> None:
    settings = Settings.model_validate(document)
    with pytest.raises(ValueError, match="frozen"):
        settings.redis.replicas = 1  # type: ignore[misc]


@pytest.mark.plan("5.3")
@pytest.mark.parametrize(
    ("change", "shared"),
    [
        ({}, True),
        ({"application.server_tag.value": "application-staging"}, False),
        ({"application.server_tag": ABSENT}, False),
        ({"environment.region": "eu-west-1"}, False),
        (REAL, False),
        ({"redis.engine": "redis-5"}, False),  # refused for itself
    ],
)
def test_the_servers_of_one_environment_are_out_of_reach_of_another(
    document: Document, tmp_path: Path, change: Change, *, shared: bool
) -> None:
    beside = changed(document, {"environment.name": "staging", **change})
    for name, content in (("production", document), ("staging", beside)):
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps(content))
    production = load("production", tmp_path)
    if not shared:
        refuse_shared_servers(production, tmp_path)
        return
    with pytest.raises(SettingsError) as refused:
        refuse_shared_servers(production, tmp_path)
    assert "production.toml: application.server_tag: role=application is " in str(refused.value)
    assert 'for example value = "application-staging"' in str(refused.value)


def test_a_recovery_may_be_measured_beyond_the_longest_objective() -> None:
    assert LONGEST_OBJECTIVE_MINUTES * 60 < LONGEST_SECONDS
