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


class _Nothing:
    """No value is meant, where None is one."""


def rule(
    key: str,
    wrong: object,
    *words: str,
    of: str = "",
    instead: object = _Nothing,
    on: Change | None = None,
    right: Change | None = None,
) -> tuple[Change, str, list[str], Change]:
    """A wrong value of the key that its message names, or ``of`` another, on top of a change.

    Accepted is the value ``instead``, or the change ``right``, or what it is on top of.
    """
    accepted = {} if on is None else on
    if instead is not _Nothing:
        accepted = {**accepted, of or key: instead}
    return {**(on or {}), of or key: wrong}, key, list(words), accepted if right is None else right


def own_vpc(key: str, wrong: object, *words: str) -> tuple[Change, str, list[str], Change]:
    """A wrong value of a VPC of our own."""
    broken = {"network.vpc": {**OWN_VPC["network.vpc"], key: wrong}}
    return broken, f"network.vpc.{key}", list(words), OWN_VPC


# (what is wrong, the key that the message names, words of the message, what is accepted instead)
RULES: list[tuple[Change, str, list[str], Change]] = [
    # Unknown and misspelt things
    rule("application.server_tag.value", "*", "matches no server", instead="web: a/b=c+d@e"),
    rule("application.server_tag.name", "role", "unknown key"),
    rule("redis.replcas", 2, "unknown key", "replicas"),
    rule("surplus", 1, "unknown key", "alarms, application", of="surplus.key"),
    rule("redis.replicas", ABSENT, "missing", instead=1),
    rule("redis.replicas", "2", "whole number", instead=5),
    rule("redis.multi_az", "yes", "true or false"),
    rule("redis.engine", ["redis-6.2"], "text, in quotes"),
    rule("redis.engine", 6.2, "text, in quotes"),
    rule("redis.node_type", ["cache.t3.medium"], "text, in quotes"),
    rule("redis.node_type", 3, "text, in quotes"),
    rule("redis.snapshot_window", 2, "text, in quotes"),
    rule("redis.maintenance_window", 3, "text, in quotes"),
    rule("alarms.replication_lag_ms.critical", float("inf"), "finite number", instead=60_000.0),
    rule("rotation.retire_after_hours", 2136, "the next rotation", "at most 2135", instead=2135),
    rule("redis.engine", "redis-6.x", "redis-6.2", instead="redis-7.0"),
    rule("redis.engine", "redis-7.2", "redis-7.1", instead="valkey-7.2"),
    rule("redis.node_type", "cache.t3.meduim", "cache.t3.medium"),
    rule("redis.node_type", "cache.t2.small", "previous generation", right=LARGE),
    rule(
        "redis.node_type",
        "cache.m8g.large",
        "Valkey only",
        on=LARGE,
        right={**LARGE, "redis.node_type": "cache.m8g.large", "redis.engine": "valkey-8.0"},
    ),
    # Parameters
    rule(
        "redis.parameters.appendonly",
        "yes",
        "append-only file",
        "snapshots",
        "Valkey 9",
        "MemoryDB",
    ),
    rule("redis.parameters.appendfsync", "everysec", "append-only file", "MemoryDB"),
    rule("redis.parameters.maxclients", 10000, "46,000", right={"application.max_clients": 5000}),
    rule("redis.parameters.cluster-enabled", "yes", "cluster_mode", right=SHARDED),
    rule("redis.parameters.maxmemory-polcy", "allkeys-lru", "maxmemory-policy"),
    rule("redis.parameters.timeout", 19, "20", instead=20),
    rule("redis.parameters.maxmemory-policy", "allkeys_lru", "allkeys-lru", instead="volatile-ttl"),
    # Windows
    rule("redis.snapshot_window", "2-3", "hh:mm-hh:mm"),
    rule("redis.snapshot_window", "02:00-02:59", "59 minutes", "60", instead="01:59-02:59"),
    rule("redis.snapshot_window", "02:00-03:01", "overlaps", instead="02:00-03:00"),
    rule("redis.snapshot_window", "23:30-03:30", "overlaps", instead="23:30-03:00"),
    (
        {"redis.snapshot_window": "00:00-01:00", "redis.maintenance_window": "sun:23:00-mon:01:00"},
        "redis.snapshot_window",
        ["overlaps"],
        {"redis.snapshot_window": "01:00-02:00", "redis.maintenance_window": "sun:23:00-mon:01:00"},
    ),
    rule(
        "redis.maintenance_window",
        "sun:03:00-sun:03:30",
        "30 minutes",
        instead="sun:03:00-sun:04:00",
    ),
    rule("redis.maintenance_window", "Sunday 03:00", "sun:03:00-sun:05:00"),
    rule("redis.maintenance_window", "sun:05:00-sun:03:00", "166 hours"),
    # Backups
    rule("redis.snapshot_retention_days", 0, "daily backup", "§4.1", instead=1),
    rule("redis.snapshot_retention_days", 36, "1 to 35", instead=35),
    # Topology
    rule("redis.replicas", 6, "0 to 5", instead=5),
    rule("redis.shards", 2, "cluster_mode", right={**SHARDED, "redis.shards": 2}),
    rule("redis.shards", 31, "93 nodes", "90", instead=30, on=SHARDED),
    rule("redis.automatic_failover", True, "replica", on=SINGLE),
    rule("redis.multi_az", True, "replica", on=SINGLE, right={"redis.replicas": 1}),
    rule("redis.cluster_mode", True, "replica", on=SINGLE, right={**SHARDED, "redis.shards": 1}),
    rule(
        "redis.multi_az",
        False,
        "automatic_failover = true",
        of="redis.automatic_failover",
        right={"redis.automatic_failover": False, "redis.multi_az": False},
    ),
    # Encryption, data tiering, durability
    rule("redis.encryption_in_transit", False, "without TLS"),
    rule("redis.encryption_at_rest", False, "replaces"),
    # The user's rights
    *(
        ({"redis.extra_commands": extra}, "redis.extra_commands", ["flushall"], {})
        for extra in (["config"], ["get"], ["@dangerous"], ["keys", "keys"], ["KEYS"], [""])
    ),
    rule("redis.auth_token", False, "AUTH token"),
    rule(
        "redis.data_tiering",
        True,
        "r6gd",
        right={**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True},
    ),
    rule(
        "redis.data_tiering",
        "cache.r6gd.xlarge",
        "data_tiering = true",
        of="redis.node_type",
        on=LARGE,
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
    rule("redis.durability", "always", "sync", instead="default"),
    rule("redis.log_retention_days", 10, "14"),
    # Thresholds
    rule(
        "alarms.memory_percent",
        90,
        "not below critical",
        of="alarms.memory_percent.warning",
        instead=89,
    ),
    rule("alarms.memory_percent", 100, "100 %", of="alarms.memory_percent.critical", instead=99),
    rule("alarms.replication_lag_ms.warning", 0, "greater", instead=1),
    rule(
        "alarms.replication_lag_ms.critical",
        60001.0,
        "repl-timeout",
        "at most 60000",
        instead=60_000.0,
    ),
    rule("alarms.hit_rate.minimum_reads_per_minute", 100_001, "at most 100000", instead=100_000),
    rule("alarms.evictions_per_minute", 10**30, "outage", "at most 60000", instead=60_000),
    rule(
        "alarms.refused_logins_per_minute", 6_001, "silent for ever", "at most 6000", instead=6_000
    ),
    rule("alarms.swap_mib", 501, "disk", "at most 500", instead=500),
    rule("alarms.hit_rate.warning_percent", 100, "less than 100", instead=99),
    rule(
        "alarms.connections",
        46000,
        "46000 connections",
        of="alarms.connections.critical",
        instead=45999,
    ),
    rule("alarms.cpu_credit_balance", ABSENT, "115", instead=1),
    rule(
        "alarms.cpu_credit_balance",
        "cache.m6g.large",
        "no CPU credits",
        of="redis.node_type",
        right=LARGE,
    ),
    rule("alarms.cpu_credit_balance", 576, "576 credits at most", instead=575),
    rule("recovery.point_objective_hours", 169, "daily", "at most 168", instead=168),
    rule("recovery.time_objective_minutes", 121, "gives up", "at most 120", instead=120),
    # Connection budget
    rule("application.instances", 250, "5000", "249", instead=249),
    rule("application.instances", 800, "§5.3", "39", of="application.max_clients", instead=801),
    # Ids and names
    rule("environment.account", "123", "twelve digits", right=REAL),
    rule("notifications.slack_workspace_id", "T0EXAMPLE0", "example", on=REAL),
    rule("notifications.slack_channel_id", "C0EXAMPLE0", "example", on=REAL),
    rule("notifications.pagerduty_secret_name", "example/pagerduty", "example", on=REAL),
    rule("notifications.slack_workspace_id", "vibewell", "id"),
    rule("notifications.slack_channel_id", "#alerts", "id"),
    rule("notifications.slack_channel_name", "Alerts", "#"),
    rule("notifications.runbook_url", "docs", "https"),
    rule("environment.region", "us-est-1", "us-east-1"),
    rule("environment.name", "Production", "lower-case"),
    rule("redis.replication_group_id", "r" * 41, "41 characters", "40", instead="r" * 26),
    rule(
        "redis.replication_group_id",
        "r" * 27,
        "27 characters",
        "-recovery-0000",
        "at most 26",
        instead="r" * 26,
    ),
    rule("redis.replication_group_id", "vibewell--redis", "hyphen"),
    rule("network.security_group_name", "sg-redis", "sg-"),
    rule("network", "vibewell-production-app-sg", "both", of="network.security_group_name"),
    rule("network.subnet_group_name", "Private Subnets", "lower"),
    rule("environment.tags", {"aws:owner": "me"}, "aws:"),
    rule("environment.tags", {"owner": "x" * 257}, "256", instead={"owner": "x" * 256}),
    # Letters and digits that AWS does not take for such
    rule("environment.tags", {"Environment": "staging"}, "sets itself", "another key"),
    rule("environment.tags", {"environment": "staging"}, "sets itself"),
    rule("environment.tags", {"NAME": "x"}, "sets itself"),
    rule("environment.tags", {"Owner": "a", "owner": "b"}, "twice", "IAM"),
    rule("environment.tags", {"AWS:owner": "me"}, "aws:"),
    rule("environment.tags", {"owner": ""}, "1 to 256"),
    rule("environment.tags", {"größe": "x"}, "English letters"),
    rule("environment.tags", {"size": "٣"}, "English letters"),
    rule("environment.account", "١١١١٢٢٢٢٣٣٣٣", "twelve digits"),
    rule("redis.snapshot_window", "0٢:00-03:00", "hh:mm-hh:mm"),
    rule("redis.maintenance_window", "sun:0٣:00-sun:05:00", "sun:03:00-sun:05:00"),
    rule("application.server_tag.value", "größe", "English letters"),
    rule("notifications.runbook_url", "https://example.com/größe", "https"),
    rule("delivery.repository", "vibewell@١٢/redis@5", "tokens"),
    rule("delivery.repository", "vibewéll@12/redis@5", "tokens"),
    rule("redis.parameter_group_name", "p" * 256, "255", instead="p" * 255),
    rule("redis.parameter_group_name", "params ١", "no other characters"),
    # Rotation
    (
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3600},
        "rotation.retire_after_hours",
        ["locked out", "2"],
        {"rotation.retire_after_hours": 1, "rotation.client_cache_seconds": 3599},
    ),
    rule("rotation.start_hour", 2, "snapshot_window", instead=5),
    rule("rotation.hours", 21, "next UTC day", "3", of="rotation.start_hour", instead=20),
    (
        {"rotation.start_hour": 4, "redis.snapshot_window": "12:00-13:00"},
        "rotation.start_hour",
        ["maintenance_window"],
        {"rotation.start_hour": 5, "redis.snapshot_window": "12:00-13:00"},
    ),
    rule("rotation.day_of_month", 31, "28", instead=28),
    rule(
        "rotation.endpoints",
        ["secretsmanager"],
        "elasticache",
        "no internet",
        right={
            "rotation.endpoints": [],
            "rotation.endpoint_security_group_id": "sg-0a1b2c3d4e5f60718",
        },
    ),
    # A network of one's own
    rule("network.vpc.subnets", "public", "'private' or 'isolated'"),
    rule(
        "network.vpc.vpc_name",
        "vibewell-*",
        "pattern",
        "the whole name",
        instead="vibewell (a+b) [c]",
    ),
    rule(
        "network.vpc.vpc_name",
        "vibewell-productio?",
        "pattern",
        "the whole name",
        instead="vibewell (a+b) [c]",
    ),
    rule(
        "network.vpc.vpc_name",
        "vibewell\\\\*",
        "pattern",
        "the whole name",
        instead="vibewell (a+b) [c]",
    ),
    rule(
        "network.vpc.application_security_group_name",
        "*",
        "pattern",
        "the whole name",
        instead="vibewell (a+b) [c]",
    ),
    rule("network.vpc", "exsting", "existing", of="network.vpc.kind", right=OWN_VPC),
    own_vpc("zones", ["us-east-1a"], "two"),
    own_vpc("zones", ["us-east-1a", "eu-west-1a"], "us-east-1"),
    own_vpc("cidr", "8.8.0.0/16", "private"),
    own_vpc("vpc_name", "vpc ١", "no other characters"),
    own_vpc("application_security_group_name", "sg-app", "English letters"),
    own_vpc("application_security_group_name", "app?", "English letters"),
    own_vpc("cidr", "ten", "10.20.0.0"),
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
