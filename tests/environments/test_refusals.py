"""What AWS would refuse, or an owner would regret, is refused before synth: each rule's two sides.

A case is a change of production's file, and the words that the message must hold; where a row has
a second change, that one stands just on the other side of the rule and is accepted.
"""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from constructs.recovery.recovery_machine import LONGEST_SECONDS
from environments.load import SettingsError, load, refuse_shared_servers
from environments.recovery_settings import LONGEST_OBJECTIVE_MINUTES
from environments.schema import Settings
from tests.support import Document
from tests.variants import ABSENT, DURABLE, LARGE, OWN_VPC, REAL, SHARDED, SINGLE, Change, changed

TIERED = {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True}
SUNDAY_NIGHT = {"redis.maintenance_window": "sun:23:00-mon:01:00"}
PLAN = object()  # the value of the plan's own file is accepted

# (the key that is changed and named, what is wrong, words of the message, what is accepted instead)
VALUES: list[tuple[str, Any, list[str], Any]] = [
    # Unknown and misspelt things
    ("application.server_tag.value", "*", ["matches no server"], "web: a/b=c+d@e"),
    ("application.server_tag.name", "role", ["unknown key"], PLAN),
    ("redis.replcas", 2, ["unknown key", "replicas"], PLAN),
    ("redis.replicas", ABSENT, ["missing"], 1),
    ("redis.replicas", "2", ["whole number"], 5),
    ("redis.multi_az", "yes", ["true or false"], PLAN),
    ("redis.engine", ["redis-6.2"], ["text, in quotes"], PLAN),
    ("redis.engine", 6.2, ["text, in quotes"], PLAN),
    ("redis.node_type", ["cache.t3.medium"], ["text, in quotes"], PLAN),
    ("redis.node_type", 3, ["text, in quotes"], PLAN),
    ("redis.snapshot_window", 2, ["text, in quotes"], PLAN),
    ("redis.maintenance_window", 3, ["text, in quotes"], PLAN),
    ("alarms.replication_lag_ms.critical", float("inf"), ["finite number"], 60_000.0),
    ("rotation.retire_after_hours", 2136, ["the next rotation", "at most 2135"], 2135),
    ("redis.engine", "redis-6.x", ["redis-6.2"], "redis-7.0"),
    ("redis.engine", "redis-7.2", ["redis-7.1"], "valkey-7.2"),
    ("redis.node_type", "cache.t3.meduim", ["cache.t3.medium"], PLAN),
    ("rotation.endpoint_zones", [], ["at least 1"], PLAN),
    (
        "rotation.endpoint_zones",
        ["us-east-1a", "us-west-2a"],
        ["'us-west-2a' is not of us-east-1"],
        ["us-east-1a"],
    ),
    ("environment.reserved_concurrency", "two", ["'one' or 'none'"], "none"),
    # Parameters
    (
        "redis.parameters.appendonly",
        "yes",
        ["append-only file", "snapshots", "Valkey 9", "MemoryDB"],
        PLAN,
    ),
    ("redis.parameters.appendfsync", "everysec", ["append-only file", "MemoryDB"], PLAN),
    ("redis.parameters.maxmemory-polcy", "allkeys-lru", ["maxmemory-policy"], PLAN),
    ("redis.parameters.timeout", 19, ["20"], 20),
    ("redis.parameters.maxmemory-policy", "allkeys_lru", ["allkeys-lru"], "volatile-ttl"),
    # Windows
    ("redis.snapshot_window", "2-3", ["hh:mm-hh:mm"], PLAN),
    ("redis.snapshot_window", "02:00-02:59", ["59 minutes", "60"], "01:59-02:59"),
    ("redis.snapshot_window", "02:00-03:01", ["overlaps"], "02:00-03:00"),
    ("redis.snapshot_window", "23:30-03:30", ["overlaps"], "23:30-03:00"),
    ("redis.maintenance_window", "sun:03:00-sun:03:30", ["30 minutes"], "sun:03:00-sun:04:00"),
    ("redis.maintenance_window", "Sunday 03:00", ["sun:03:00-sun:05:00"], PLAN),
    ("redis.maintenance_window", "sun:05:00-sun:03:00", ["166 hours"], PLAN),
    # Backups
    ("redis.snapshot_retention_days", 0, ["daily backup", "§4.1"], 1),
    ("redis.snapshot_retention_days", 36, ["1 to 35"], 35),
    # Topology
    ("redis.replicas", 6, ["0 to 5"], 5),
    # Encryption, data tiering, durability
    ("redis.encryption_in_transit", False, ["without TLS"], PLAN),
    ("redis.encryption_at_rest", False, ["replaces"], PLAN),
    # The user's rights
    *(
        ("redis.extra_commands", extra, ["flushall"], PLAN)
        for extra in (["config"], ["get"], ["@dangerous"], ["keys", "keys"], ["KEYS"], [""])
    ),
    ("redis.auth_token", False, ["AUTH token"], PLAN),
    ("redis.durability", "always", ["sync"], "default"),
    ("redis.log_retention_days", 10, ["14"], PLAN),
    # Thresholds
    ("alarms.replication_lag_ms.warning", 0, ["greater"], 1),
    ("alarms.replication_lag_ms.critical", 60001.0, ["repl-timeout", "at most 60000"], 60_000.0),
    ("alarms.hit_rate.minimum_reads_per_minute", 100_001, ["at most 100000"], 100_000),
    ("alarms.evictions_per_minute", 10**30, ["outage", "at most 60000"], 60_000),
    ("alarms.refused_logins_per_minute", 6_001, ["silent for ever", "at most 6000"], 6_000),
    ("alarms.swap_mib", 501, ["disk", "at most 500"], 500),
    ("alarms.hit_rate.warning_percent", 100, ["less than 100"], 99),
    ("alarms.cpu_credit_balance", ABSENT, ["115"], 1),
    ("alarms.cpu_credit_balance", 576, ["576 credits at most"], 575),
    ("recovery.point_objective_hours", 169, ["daily", "at most 168"], 168),
    ("recovery.time_objective_minutes", 121, ["gives up", "at most 120"], 120),
    # Connection budget
    ("application.instances", 250, ["5000", "249"], 249),
    # Ids and names
    ("notifications.slack_workspace_id", "vibewell", ["id"], PLAN),
    ("notifications.slack_channel_id", "#alerts", ["id"], PLAN),
    ("notifications.slack_channel_name", "Alerts", ["#"], PLAN),
    ("notifications.runbook_url", "docs", ["https"], PLAN),
    ("environment.region", "us-est-1", ["us-east-1"], PLAN),
    ("environment.name", "Production", ["lower-case"], PLAN),
    ("redis.replication_group_id", "r" * 41, ["41 characters", "40"], "r" * 26),
    (
        "redis.replication_group_id",
        "r" * 27,
        ["27 characters", "-recovery-0000", "at most 26"],
        "r" * 26,
    ),
    ("redis.replication_group_id", "vibewell--redis", ["hyphen"], PLAN),
    ("network.security_group_name", "sg-redis", ["sg-"], PLAN),
    ("network.subnet_group_name", "Private Subnets", ["lower"], PLAN),
    ("environment.tags", {"aws:owner": "me"}, ["aws:"], PLAN),
    ("environment.tags", {"owner": "x" * 257}, ["256"], {"owner": "x" * 256}),
    # Letters and digits that AWS does not take for such
    ("environment.tags", {"Environment": "staging"}, ["sets itself", "another key"], PLAN),
    ("environment.tags", {"environment": "staging"}, ["sets itself"], PLAN),
    ("environment.tags", {"NAME": "x"}, ["sets itself"], PLAN),
    ("environment.tags", {"Owner": "a", "owner": "b"}, ["twice", "IAM"], PLAN),
    ("environment.tags", {"AWS:owner": "me"}, ["aws:"], PLAN),
    ("environment.tags", {"owner": ""}, ["1 to 256"], PLAN),
    ("environment.tags", {"größe": "x"}, ["English letters"], PLAN),
    ("environment.tags", {"size": "٣"}, ["English letters"], PLAN),
    ("environment.account", "١١١١٢٢٢٢٣٣٣٣", ["twelve digits"], PLAN),
    ("redis.snapshot_window", "0٢:00-03:00", ["hh:mm-hh:mm"], PLAN),
    ("redis.maintenance_window", "sun:0٣:00-sun:05:00", ["sun:03:00-sun:05:00"], PLAN),
    ("application.server_tag.value", "größe", ["English letters"], PLAN),
    ("notifications.runbook_url", "https://example.com/größe", ["https"], PLAN),
    ("delivery.repository", "vibewell@١٢/redis@5", ["tokens"], PLAN),
    ("delivery.repository", "vibewéll@12/redis@5", ["tokens"], PLAN),
    ("redis.parameter_group_name", "p" * 256, ["255"], "p" * 255),
    ("redis.parameter_group_name", "params ١", ["no other characters"], PLAN),
    # Rotation
    ("rotation.start_hour", 2, ["snapshot_window"], 5),
    ("rotation.day_of_month", 31, ["28"], 28),
    # A network of one's own
    ("network.vpc.subnets", "public", ["'private' or 'isolated'"], PLAN),
    *(
        (f"network.vpc.{key}", wrong, ["pattern", "the whole name"], "vibewell (a+b) [c]")
        for key, wrong in (
            ("vpc_name", "vibewell-*"),
            ("vpc_name", "vibewell-productio?"),
            ("vpc_name", "vibewell\\production"),
            ("application_security_group_name", "*"),
        )
    ),
]

# (what is wrong, the key that the message names, words of the message, what is accepted instead)
RULES: list[tuple[Change, str, list[str], Change]] = [
    # Unknown and misspelt things
    ({"surplus.key": 1}, "surplus", ["unknown key", "alarms, application"], {}),
    ({"redis.node_type": "cache.t2.small"}, "redis.node_type", ["previous generation"], LARGE),
    (
        {**LARGE, "redis.node_type": "cache.m8g.large"},
        "redis.node_type",
        ["Valkey only"],
        {**LARGE, "redis.node_type": "cache.m8g.large", "redis.engine": "valkey-8.0"},
    ),
    # Parameters
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
    # Windows
    (
        {**SUNDAY_NIGHT, "redis.snapshot_window": "00:00-01:00"},
        "redis.snapshot_window",
        ["overlaps"],
        {**SUNDAY_NIGHT, "redis.snapshot_window": "01:00-02:00"},
    ),
    # Topology
    ({"redis.shards": 2}, "redis.shards", ["cluster_mode"], {**SHARDED, "redis.shards": 2}),
    (
        {**SHARDED, "redis.shards": 31},
        "redis.shards",
        ["93 nodes", "90"],
        {**SHARDED, "redis.shards": 30},
    ),
    ({**SINGLE, "redis.automatic_failover": True}, "redis.automatic_failover", ["replica"], SINGLE),
    ({**SINGLE, "redis.multi_az": True}, "redis.multi_az", ["replica"], {"redis.replicas": 1}),
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
    # The user's rights
    ({"redis.data_tiering": True}, "redis.data_tiering", ["r6gd"], TIERED),
    ({**TIERED, "redis.data_tiering": False}, "redis.data_tiering", ["data_tiering = true"], LARGE),
    (
        {**TIERED, "redis.parameters.maxmemory-policy": "allkeys-random"},
        "redis.parameters.maxmemory-policy",
        ["allkeys-lru"],
        TIERED,
    ),
    (
        {**DURABLE, "redis.engine": "valkey-8.2", "redis.durability": "sync"},
        "redis.durability",
        ["Valkey 9.0"],
        {**DURABLE, "redis.durability": "sync"},
    ),
    (
        {"redis.engine": "valkey-9.0", **LARGE, "redis.durability": "async"},
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
        {"alarms.connections.critical": 46000},
        "alarms.connections",
        ["46000 connections"],
        {"alarms.connections.critical": 45999},
    ),
    (
        {"redis.node_type": "cache.m6g.large"},
        "alarms.cpu_credit_balance",
        ["no CPU credits"],
        LARGE,
    ),
    # Connection budget
    (
        {"application.max_clients": 800},
        "application.instances",
        ["§5.3", "39"],
        {"application.max_clients": 801},
    ),
    # Ids and names
    ({"environment.account": "123"}, "environment.account", ["twelve digits"], REAL),
    *(
        ({**REAL, f"notifications.{key}": wrong}, f"notifications.{key}", ["example"], REAL)
        for key, wrong in (
            ("slack_workspace_id", "T0EXAMPLE0"),
            ("slack_channel_id", "C0EXAMPLE0"),
            ("pagerduty_secret_name", "example/pagerduty"),
        )
    ),
    ({"network.security_group_name": "vibewell-production-app-sg"}, "network", ["both"], {}),
    # Rotation
    (
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3600},
        "rotation.retire_after_hours",
        ["locked out", "2"],
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3599},
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
        {"rotation.endpoints": ["secretsmanager"]},
        "rotation.endpoints",
        ["elasticache", "no internet"],
        {"rotation.endpoints": [], "rotation.endpoint_security_group_id": "sg-0a1b2c3d4e5f60718"},
    ),
    # A network of one's own
    ({"network.vpc.kind": "exsting"}, "network.vpc", ["existing"], OWN_VPC),
    (
        {**OWN_VPC, "rotation.endpoint_zones": ["us-east-1c"]},
        "rotation.endpoint_zones",
        ["us-east-1c is no zone of network.vpc.zones"],
        {**OWN_VPC, "rotation.endpoint_zones": ["us-east-1b"]},
    ),
    *(
        ({**OWN_VPC, f"network.vpc.{key}": wrong}, f"network.vpc.{key}", [word], OWN_VPC)
        for key, wrong, word in (
            ("zones", ["us-east-1a"], "two"),
            ("zones", ["us-east-1a", "eu-west-1a"], "us-east-1"),
            ("cidr", "8.8.0.0/16", "private"),
            ("cidr", "ten", "10.20.0.0"),
            ("vpc_name", "vpc ١", "no other characters"),
            ("application_security_group_name", "sg-app", "English letters"),
            ("application_security_group_name", "app?", "English letters"),
        )
    ),
    *(
        ({key: wrong}, key, words, {} if right is PLAN else {key: right})
        for key, wrong, words, right in VALUES
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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[environment\n", r"production\.toml: is not TOML: .*line 1"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (None, r"production.toml: cannot be read: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "production.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(SettingsError, match=says):
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
