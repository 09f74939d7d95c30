"""What AWS would refuse, or an owner would regret, is refused before synth: each rule's two sides.

A case is a change of production's file, and the words that the message must hold; where a row has
a second change, that one is just on the other side of the rule and is accepted.
"""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from constructs.recovery.recovery_machine import LONGEST_SECONDS
from environments.application_settings import Application, RateLimit
from environments.load import SettingsError, environment_names, load
from environments.notification_settings import EXAMPLE_RUNBOOK
from environments.schema import LONGEST_OBJECTIVE_MINUTES, Settings
from environments.section import Section
from environments.together import refuse_shared
from tests.environments.messages import lines_of, one_message
from tests.stacks.test_attached import ATTACHED
from tests.support import Document
from tests.variants import ABSENT, DURABLE, LARGE, OWN_VPC, REAL, SHARDED, SINGLE, Change, changed
from vibewell_redis import Settings as ClientSettings
from vibewell_redis import SettingsError as ClientError

SECRET_NAME = "notifications.pagerduty_secret_name"  # noqa: S105 - the name of a key
DELIVERY = {"repository": "a@1/b@2", "approval": True, "own_identity_provider": True}
# What two environments may not share, and a value that is not production's.
BESIDE: Change = {
    "redis.replication_group_id": "vibewell-redis-staging",
    "network.subnet_group_name": "vibewell-staging-private-subnets",
    "network.security_group_name": "vibewell-redis-staging-sg",
    "network.vpc.vpc_name": "vibewell-staging-vpc",
    "notifications.slack_channel_id": "C0EXAMPLE1",
    "delivery.own_identity_provider": False,
    "application.server_tag": {"key": "role", "value": "application-staging"},
}
_VPC, VPC = "network.vpc", OWN_VPC["network.vpc"]
FIVE_ZONES = [f"us-east-1{letter}" for letter in "abcde"]
SMALL = VPC | {"cidr": "10.0.0.0/26", "zones": FIVE_ZONES[:4]}
ROOM = ["no room for 5 subnets", "at most 4 zones"]

TIERED = {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True}
DURABLE_SYNC = {**DURABLE, "redis.durability": "sync"}
_SYNC_R8G = {**DURABLE_SYNC, "redis.node_type": "cache.r8g.large"}
SUNDAY_NIGHT = {"redis.maintenance_window": "sun:23:00-mon:01:00"}
TAGS = {f"key{number}": "x" for number in range(47)}
LONGEST = {"environment.tags": {f"key{n}".ljust(128, "k"): "x" * 256 for n in range(46)}}
MOST_TIERS = {f"application.rate_limits.t{n}": {"requests": 1, "seconds": 1} for n in range(40)}
LONG_URL = "https://example.com/" + "x" * 480
_LIMITS = "application.rate_limits"
_HOUR = {"requests": 100, "seconds": 3600}
_NODE, _ENGINE = "redis.node_type", "redis.engine"
_BACKUP, _SHARDS, _FAILOVER = "redis.snapshot_window", "redis.shards", "redis.automatic_failover"
_TIERING, _EVICTION = "redis.data_tiering", "redis.parameters.maxmemory-policy"
_LOG, _INSTANCES = "redis.durability", "application.instances"
_RETIRED, _RENAME = "rotation.retire_after_hours", "redis.parameters.rename-commands"
_RUNBOOK = "notifications.runbook_url"
_PUT, _SPACE = "CloudFormation or CDK would put something else", "begins or ends with a space"
_FRACTION, _PATTERN = ["not a fraction", "at least 1"], ["pattern", "the whole name"]
_CACHE, _START, _WAYS = "rotation.client_cache_seconds", "rotation.start_hour", "rotation.endpoints"
_VALKEY_9_1 = {**DURABLE_SYNC, _ENGINE: "valkey-9.1"}
PAIRS = {**SHARDED, "redis.replicas": 1}
_VALKEY_9 = {**LARGE, _ENGINE: "valkey-9.0"}
_AN_HOUR: Change = {_RETIRED: 1}
OWN_WAYS = {_WAYS: [], "rotation.endpoint_security_group_id": "sg-0a1b2c3d4e5f60718"}
MEXICO: Change = {**LARGE, "environment.region": "mx-central-1"}
_CLIENTS, _POOL = "application.max_clients", "application.pool_size"
_ZONES, _READER = "rotation.endpoint_zones", "redis.attached.reader_address"
_EXISTING, _TLS = "redis.existing", "redis.encryption_in_transit"
_AT_REST = "redis.encryption_at_rest"
PLAN = object()  # the value of the plan's own file is accepted

# (the key that is changed and named, what is wrong, words of the message, what is accepted instead)
VALUES: list[tuple[str, Any, list[str], Any]] = [
    # Unknown and misspelt things
    ("application.server_tag.value", "*", ["matches no server"], "web: a/b=c+d@e"),
    ("application.server_tag.key", "k" * 125, ["1 to 124"], "k" * 124),
    ("application.server_tag.key", "a+b", ["1 to 124"], "a: b/c=d@e"),
    ("application.server_tag.key", "tag:role", ["puts tag: before"], "role"),
    ("application.server_tag.key", "größe", ["English letters"], PLAN),
    ("application.server_tag.name", "role", ["unknown key"], PLAN),
    ("redis.replcas", 2, ["unknown key", "replicas"], PLAN),
    ("redis.replicas", ABSENT, ["missing"], 1),
    ("redis.replicas", "2", ["whole number"], 5),
    ("redis.multi_az", "yes", ["true or false"], PLAN),
    ("redis.existing", "true", ["true or false"], PLAN),
    ("redis.engine", ["redis-6.2"], ["Write engine = 'redis-6.2'"], PLAN),
    ("redis.engine", 6.20, ["engine 6.2 is not", "Write engine = 'redis-6.2'"], PLAN),
    ("application.rate_limits.mfa", "120,60", ["it is not a table"], PLAN),
    ("rotation.endpoints", "elasticache", ["it is not a list"], PLAN),
    ("redis.parameters.timeout", 300.0, ["neither text nor a whole number"], 300),
    ("redis.parameters.activedefrag", True, ["neither text nor a whole number"], "yes"),
    ("redis.parameters", ["a"], ["Write a table"], PLAN),
    ("redis.wanted_memory_gib", 4 * 2**30, ["GiB are meant"], 4096),
    ("redis.wanted_memory_gib", 1e-6, ["GiB are meant"], 0.1),
    ("alarms.replication_lag_ms.critical", float("inf"), ["finite number"], 60_000.0),
    ("environment.reserved_concurrency", "two", ["'one' or 'none'"], "none"),
    ("rotation.retire_after_hours", 2136, ["the next rotation", "at most 2135"], 2135),
    ("redis.engine", "redis-7.2", ["redis-7.1"], "valkey-7.2"),
    # Parameters
    ("redis.parameters.appendonly", "yes", ["append-only file", "snapshots", "Valkey 9"], PLAN),
    ("redis.parameters.timeout", 19, ["20"], 2**63 - 1),
    # Windows
    ("redis.snapshot_window", "02:00-02:59", ["59 minutes", "60"], "01:59-02:59"),
    ("redis.snapshot_window", "02:00-03:01", ["overlaps"], "02:00-03:00"),
    ("redis.snapshot_window", "23:30-03:30", ["overlaps"], "23:30-03:00"),
    ("redis.maintenance_window", "sun:03:00-sun:03:30", ["30 minutes"], "sun:03:00-sun:04:00"),
    ("redis.maintenance_window", "sun:05:00-sun:03:00", ["9960 minutes"], PLAN),
    # Backups
    ("redis.snapshot_retention_days", 0, ["daily backup", "§4.1"], 1),
    ("redis.snapshot_retention_days", 36, ["1 to 35"], 35),
    # Topology
    ("redis.replicas", 6, ["0 to 5"], 5),
    # Encryption, data tiering, durability
    ("redis.encryption_in_transit", False, ["without TLS"], PLAN),
    ("redis.encryption_at_rest", False, ["replaces"], PLAN),
    ("redis.auth_token", False, ["AUTH token"], PLAN),
    ("redis.durability", "always", ["sync"], "default"),
    ("redis.log_retention_days", 10, ["14"], PLAN),
    # Thresholds
    ("alarms.replication_lag_ms.warning", 0, ["greater"], 10),
    ("alarms.replication_lag_ms.critical", 60001.0, ["repl-timeout", "at most 60000"], 60_000.0),
    ("alarms.hit_rate.minimum_reads_per_minute", 100_001, ["at most 100000"], 100_000),
    ("alarms.evictions_per_minute", 60_001, ["outage", "at most 60000"], 60_000),
    ("alarms.refused_logins_per_minute", 6_001, ["would never fire", "at most 6000"], 6_000),
    ("alarms.swap_mib", 501, ["disk", "at most 500"], 500),
    ("alarms.hit_rate.warning_percent", 100, ["less than 100"], 99),
    ("alarms.cpu_credit_balance", ABSENT, ["115"], 1),
    ("alarms.cpu_credit_balance", 576, ["576 credits at most"], 575),
    ("recovery.point_objective_hours", 169, ["daily", "at most 168"], 168),
    ("recovery.time_objective_minutes", 121, ["gives up", "at most 120"], 120),
    # Connection budget
    ("application.instances", 250, ["5000", "249"], 249),
    ("application.instances", 100_000, ["at most instances = 249"], 1),
    # Ids and names
    ("environment.region", "us-est-1", ["us-east-1"], PLAN),
    ("environment.region", "N. Virginia", ["ElastiCache runs in af-", "'us-east-1'"], PLAN),
    *(("environment.region", r, ["lack Chatbot"], PLAN) for r in ("us-gov-west-1", "cn-north-1")),
    ("redis.replication_group_id", "r" * 27, ["27 ch", "-recovery-0000", "at most 26"], "r" * 26),
    ("environment.tags", {"aws:owner": "me"}, ["aws:"], PLAN),
    ("environment.tags", {"owner": "x" * 257}, ["256"], {"owner": "x" * 256}),
    ("network.security_group_name", "default", ["every VPC has"], "redis-default"),
    ("network.security_group_name", "Default", ["every VPC has"], "redis-default"),
    ("network.subnet_group_name", "default", ["a group called default"], "default-2"),
    *(
        (_RUNBOOK, f"https://{wrong}", ["https address"], "https://a-b.c:8/d?e=f")
        for wrong in (":443", "x", 'example.com/"', "example.com/<b>", "example.com/`")
    ),
    # Wrong wherever it is written
    ("network.security_group_name", "{{resolve:ssm:x}}", [_PUT], PLAN),
    ("network.security_group_name", "${Token[TOKEN.1]}", [_PUT], PLAN),
    (_RUNBOOK, "https://example.com/${AWS::Region}", [_PUT], PLAN),
    ("environment.name", "production ", [_SPACE], PLAN),
    ("redis.node_type", "cache.t3.medium\u00a0", [_SPACE], PLAN),
    ("network.security_group_name", " vibewell", [_SPACE], PLAN),
    ("application.server_tag.key", " ", [_SPACE], PLAN),
    # Letters and digits that AWS does not take for such
    ("environment.tags", {"Environment": "staging"}, ["sets itself", "another key"], PLAN),
    ("environment.tags", {"environment": "staging"}, ["sets itself"], PLAN),
    ("environment.tags", {"NAME": "x"}, ["sets itself"], PLAN),
    ("environment.tags", {"Owner": "a", "owner": "b"}, ["twice", "IAM"], PLAN),
    ("environment.tags", {"AWS:owner": "me"}, ["aws:"], PLAN),
    ("environment.tags", {"owner": ""}, ["1 to 256"], PLAN),
    ("environment.tags", {"größe": "x"}, ["English letters"], PLAN),
    ("environment.tags", {"size": "٣"}, ["English letters"], PLAN),
    ("application.server_tag.value", "größe", ["English letters"], PLAN),
    *(
        ("delivery.repository", wrong, ["not a repository as GitHub's tokens name it"], PLAN)
        for wrong in (
            *("vibewell@١٢/redis@5", "vibewéll@12/redis@5", "*", "vibewell/*", "vibewell"),
            *("repo:vibewell/redis", "a/b:c", "a/b.git", "a@1/b.git@2", "a@1/b", "a/b@2"),
            *("a@0/b@2", f"a/{'b' * 101}"),
        )
    ),
    ("redis.parameter_group_name", "p" * 256, ["255"], "p" * 255),
    ("redis.parameter_group_name", "params ١", ["no other characters"], PLAN),
    # Rotation
    ("rotation.start_hour", 2, ["snapshot_window"], 5),
    ("rotation.day_of_month", 31, ["28"], 28),
    # What is legal and harmful
    ("redis.parameters.min-replicas-to-write", 3, ["refuse every write", "at most 1"], 2),
    (_RENAME, "x off EVALSHA run", ["evalsha would be"], "x blocked y blocked"),
    (_RENAME, "flushall get", ["get would be"], "x blocked y blocked"),
    (_RENAME, "flushall a flushdb a", ["a would be"], "x blocked y blocked"),
    (_RENAME, "flushall a flushall b", ["flushall would be"], "x blocked y blocked"),
    ("recovery.point_objective_hours", 6, ["7 hours old", "at least 7"], 7),
    ("recovery.time_objective_minutes", 4, ["creates a group", "at least 5"], 5),
    ("alarms.connections.warning", 9.5, ["never end", "at least 10"], 10),
    ("alarms.replication_lag_ms.warning", 0.5, ["Milliseconds"], 10),
    ("rotation.client_cache_seconds", 300_000, ["at most 86400"], 86_399),
    ("application.timeout_ms", 5, ["Milliseconds", "at least 50"], 50),
    ("application.max_reconnect_attempts", -1, ["equal"], PLAN),
    # Limits of AWS
    ("environment.tags", TAGS, ["50 per resource", "at most 46"], dict(list(TAGS.items())[1:])),
    ("notifications.runbook_url", f"{LONG_URL}x", ["500", "1,024"], LONG_URL),
    *(
        (f"application.{key}", most + 1, [f"{most + 1} is above {most}"], most)
        for key, most in (
            *(("timeout_ms", 600_000), ("max_reconnect_attempts", 1000)),
            *(("pool_idle_seconds", 86_400), ("max_clients", 65_000)),
            *(("rate_limits.general.requests", 1_000_000), ("rate_limits.mfa.seconds", 1_209_600)),
        )
    ),
    ("alarms.memory_percent.warning", 0.75, _FRACTION, 1.0),
    ("alarms.cpu_percent.warning", 0.75, _FRACTION, 1.0),
    ("alarms.hit_rate.warning_percent", 0.75, _FRACTION, 1.0),
    ("alarms.memory_percent.critical", 0.9, _FRACTION, 99.0),
    ("alarms.cpu_percent.critical", 0.9, _FRACTION, 99.0),
    *(
        ("redis.extra_commands", extra, ["flushall"], PLAN)
        for extra in (["config"], ["get"], ["@dangerous"], ["keys", "keys"], ["KEYS"], [""])
    ),
    ("rotation.endpoints", ["secretsmanager", "elasticache"] * 2, ["twice"], PLAN),
    ("application.server_tag.x", 1, ["key, value"], PLAN),
    # A network of one's own
    ("network.vpc.subnets", "public", ["'private' or 'isolated'"], PLAN),
    ("network.vpc.vpc_name", "vibewell-*", _PATTERN, "vibewell (a+b) [c]"),
    ("network.vpc.vpc_name", "vibewell-productio?", _PATTERN, "vibewell (a+b) [c]"),
    ("network.vpc.vpc_name", "vibewell\\\\*", _PATTERN, "vibewell (a+b) [c]"),
    ("network.vpc.application_security_group_name", "*", _PATTERN, "vibewell (a+b) [c]"),
]

# (what is wrong, the key that the message names, words of the message, what is accepted instead)
RULES: list[tuple[Change, str, list[str], Change]] = [
    # Unknown and misspelt things
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
            ("free", 60, "free", ["not a table"], _HOUR),
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
    ({"environment.tags.owner ": "x"}, "environment.tags", ["a key begins or ends"], {}),
    ({"surplus.key": 1}, "surplus", ["unknown key", "alarms, application"], {}),
    ({"rotation.endpoint_zones": [1]}, "rotation.endpoint_zones.0", ["text, in quotes"], {}),
    *(
        ({**on, "rotation.endpoint_zones": wrong}, "rotation.endpoint_zones", [says], right)
        for on, wrong, says, right in (
            ({}, [], "at least one", {}),
            ({}, ["us-east-1a", "us-west-2a"], "'us-west-2a' is not of us-east-1", {}),
            (OWN_VPC, ["us-east-1c"], "us-east-1c is no zone of network.vpc.zones", OWN_VPC),
        )
    ),
    ({"redis.node_type": "cache.t2.small"}, "redis.node_type", ["previous generation"], LARGE),
    # Parameters, windows, topology
    ({**LARGE, _NODE: "cache.m8g.large"}, _NODE, ["Valkey only"], {**LARGE, _ENGINE: "valkey-8.0"}),
    *(
        ({**base, key: wrong}, named or key, said, right)
        for base, key, wrong, named, said, right in (
            (SUNDAY_NIGHT, _BACKUP, "00:00-01:00", "", ["overlaps"], {_BACKUP: "01:00-02:00"}),
            ({}, _SHARDS, 2, "", ["cluster_mode"], {**SHARDED, _SHARDS: 2}),
            (SHARDED, _SHARDS, 31, "", ["93 nodes", "90"], {**SHARDED, _SHARDS: 30}),
            (SINGLE, _FAILOVER, True, "", ["replica"], SINGLE),
            (SINGLE, "redis.multi_az", True, "", ["replica"], {"redis.replicas": 1}),
            (SINGLE, "redis.cluster_mode", True, "", ["replica"], {**SHARDED, _SHARDS: 1}),
            ({}, _FAILOVER, False, "redis.multi_az", [f"{_FAILOVER[6:]} = true"], {}),
            ({}, _TIERING, True, "", ["r6gd"], TIERED),
            (TIERED, _TIERING, False, "", ["data_tiering = true"], LARGE),
            (TIERED, _EVICTION, "allkeys-random", "", ["allkeys-lru"], TIERED),
            (_VALKEY_9, _LOG, "async", "", ["cluster_mode = true"], {**DURABLE, _LOG: "async"}),
            ({}, _CLIENTS, 800, _INSTANCES, ["§5.3", "39"], {_CLIENTS: 801}),
            ({}, _CLIENTS, 10, _INSTANCES, ["smaller figures of both"], {_CLIENTS: 801}),
            ({}, _POOL, 10_000, _INSTANCES, ["at most pool_size = 124"], {_POOL: 124}),
            (OWN_WAYS, _ZONES, ["us-east-1a"], "", ["endpoints is empty"], OWN_WAYS),
            (ATTACHED, "redis.cluster_mode", True, _READER, ["all shards"], ATTACHED),
            (ATTACHED, "redis.attached", ABSENT, _EXISTING, ["[redis.attached] is mis"], ATTACHED),
            (ATTACHED, _EXISTING, False, "", ["false, and [redis.attached] is there"], ATTACHED),
            (ATTACHED, "network.vpc", VPC, "network.vpc.kind", ["still to be made"], ATTACHED),
            # A group of somebody else's may be without encryption at rest.
            (ATTACHED, _TLS, False, "", ["switched off"], {**ATTACHED, _AT_REST: False}),
            (_AN_HOUR, _CACHE, 3600, _RETIRED, ["locked out", "2"], {**_AN_HOUR, _CACHE: 3599}),
            ({}, _START, 21, "rotation.hours", ["next UTC day", "3"], {_START: 20}),
            ({_BACKUP: "12:00-13:00"}, _START, 4, "", ["maintenance_window"], {_START: 5}),
            ({}, _WAYS, ["secretsmanager"], "", ["elasticache", "no internet"], OWN_WAYS),
            (MEXICO, _NODE, "cache.m5.large", "", ["not sold", "m6g.large"], MEXICO),
        )
    ),
    ({**DURABLE_SYNC, _ENGINE: "valkey-8.2"}, _LOG, ["Valkey 9.0"], DURABLE_SYNC),
    ({**DURABLE_SYNC, _NODE: "cache.m5.large"}, _LOG, ["m6g to m8g"], _SYNC_R8G),
    # Thresholds
    *(
        ({f"alarms.{key}": wrong}, f"alarms.{named}", [said], {f"alarms.{key}": right})
        for key, wrong, named, said, right in (
            ("memory_percent.warning", 90, "memory_percent", "not below critical", 89),
            ("memory_percent.critical", 100, "memory_percent", "100 %", 99),
            ("connections.critical", 46000, "connections", "46000 connections", 45999),
        )
    ),
    ({**LARGE, "alarms.cpu_credit_balance": 1}, "alarms.cpu_credit_balance", ["no CPU cr"], LARGE),
    # Ids and names
    *(
        ({**REAL, f"notifications.{key}": wrong}, f"notifications.{key}", ["example"], REAL)
        for key, wrong in (
            *(("slack_workspace_id", "T0EXAMPLE0"), ("slack_channel_id", "C0EXAMPLE0")),
            *(("pagerduty_secret_name", "example/pagerduty"), ("runbook_url", EXAMPLE_RUNBOOK)),
        )
    ),
    ({"network.security_group_name": "vibewell-production-app-sg"}, "network", ["both"], {}),
    ({"network.security_group_name": "Vibewell-Production-App-SG"}, "network", ["both"], {}),
    ({_VPC: SMALL | {"zones": FIVE_ZONES}}, f"{_VPC}.cidr", ROOM, {_VPC: SMALL}),
    # The longest tags fit into a template, but not with the most tiers.
    ({**LONGEST, **MOST_TIERS}, "environment.tags", ["1 MB"], LONGEST),
    # What AWS takes
    ({**DURABLE, _ENGINE: "valkey-9.2"}, _ENGINE, ["valkey-9.1"], _VALKEY_9_1),
    ({**PAIRS, _SHARDS: 46}, _SHARDS, ["92 nodes"], {**PAIRS, _SHARDS: 45}),
    # A network of one's own
    ({"network.vpc.kind": "exsting"}, "network.vpc", ["existing"], OWN_VPC),
    ({"network.vpc.kind": ABSENT}, "network.vpc", ["it has no kind"], OWN_VPC),
    *(
        ({_VPC: VPC | {key: wrong}}, f"{_VPC}.{key}", [says], {_VPC: VPC | right})
        for key, wrong, says, right in (
            ("endpoints", ["ssm", "ssm"], "'ssm' is listed twice", {"endpoints": ["ssm"]}),
            ("zones", [*VPC["zones"], "us-east-1a"], "listed twice", {}),
            ("zones", ["us-east-1a", "us-east-1g"], "us-east-1f", {"zones": FIVE_ZONES[:2]}),
            ("zones", ["us-east-1a"], "two", {}),
            ("zones", ["us-east-1a", "eu-west-1a"], "us-east-1", {}),
            ("cidr", "127.0.0.0/16", "for itself", {"cidr": "100.64.0.0/16"}),
            ("cidr", 10, "text, in quotes", {"cidr": "198.18.0.0/16"}),
            ("cidr", "8.8.0.0/16", "private", {}),
            ("cidr", "ten", "10.20.0.0", {}),
            ("vpc_name", "vpc ١", "no other characters", {}),
            ("application_security_group_name", "sg-app", "English letters", {}),
            ("application_security_group_name", "app?", "English letters", {}),
        )
    ),
    *(
        ({key: wrong}, key, words, {} if right is PLAN else {key: right})
        for key, wrong, words, right in VALUES
    ),
]


@pytest.mark.parametrize(
    ("wrong", "key", "words", "right"),
    RULES,
    ids=[f"{number}-{rule[1]}" for number, rule in enumerate(RULES)],
)
def test_one_message_names_file_key_reason_and_remedy(
    document: Document, tmp_path: Path, wrong: Change, key: str, words: list[str], right: Change
) -> None:
    line = one_message(document, wrong, f"{key}: ", tmp_path)
    for word in words:
        assert word in line, line
    Settings.model_validate(changed(document, right))


def test_every_mistake_is_told_at_once(document: Document, tmp_path: Path) -> None:
    wrong = {"redis.engine": "redis-5", "environment.account": "1", "alarms.swap_mib": 0}
    assert len(lines_of(changed(document, wrong), tmp_path)) == 3


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "production.toml").mkdir()
    with pytest.raises(SettingsError, match=r"production.toml: cannot be read: Is a directory"):
        load("production", tmp_path)


def test_what_editors_and_macos_leave_is_no_environment(tmp_path: Path) -> None:
    for name in (".toml", "._production.toml", ".#staging.toml"):
        (tmp_path / name).touch()
    assert environment_names(tmp_path) == []


def test_an_environment_without_a_file_is_told_which_have_one() -> None:
    with pytest.raises(SettingsError, match="development, production, staging"):
        load("prod")


def test_a_file_under_another_name_is_refused(document: Document, tmp_path: Path) -> None:
    (tmp_path / "My Redis.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(SettingsError, match=r"environment\.name: .* Name the file production.toml"):
        load("My Redis", tmp_path)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        (SECRET_NAME, "https://events.pagerduty.com/integration/0123456789abcdef/enqueue"),
        (SECRET_NAME, "0123456789abcdef0123456789abcdef"),
        (SECRET_NAME, "xoxb-0123456789abcdef"),
        ("notifications.slack_workspace_id", "https://hooks.slack.com/services/T0/0123456789ab"),
        ("notifications.slack_channel_id", "xoxb-0123456789abcdef"),
        ("notifications.runbook_url", "https://me:0123456789abcdef@example.com/runbook.md"),
        ("notifications.runbook_url", "https://example.com/?access_token=0123456789abcdef"),
        ("environment.tags.key", "AKIA0123456789ABCDEF"),
        ("environment.tags.key", "0123456789abcdefABCDEF/ghijklmnopqrstuvw"),
        ("environment.tags.ghp_0123456789abcdef0123456789abcdef0123", "x"),
        (SECRET_NAME, "u+0123456789abcdefgh"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(
    document: Document, tmp_path: Path, key: str, secret: str
) -> None:
    (line,) = lines_of(changed(document, {key: secret}), tmp_path)
    assert line.startswith(f"environments/production.toml: {key.split('.ghp_')[0]}")
    assert "0123456789ab" not in line.lower()


def test_what_is_settled_cannot_be_changed(document: Document) -> None:
    settings = Settings.model_validate(document)
    with pytest.raises(ValueError, match="frozen"):
        settings.redis.replicas = 1  # type: ignore[misc]


@pytest.mark.plan("5.3")
@pytest.mark.parametrize("changes", [{}, *({key: value} for key, value in BESIDE.items())])
@pytest.mark.parametrize("place", [{}, {"environment.region": "eu-west-1"}, REAL])
def test_what_one_environment_claims_another_may_not(
    document: Document, tmp_path: Path, changes: Change, place: Change
) -> None:
    """All that is claimed twice is listed at once, except where the other one is elsewhere."""
    (key,) = changes or [None]
    first = changed(document, {"delivery": DELIVERY} | OWN_VPC)
    both = changed(first, {"environment.name": "staging"} | changes)
    if place:
        zones = [f"{place.get('environment.region', 'us-east-1')}{letter}" for letter in "ab"]
        both = changed(both, place | {"network.vpc.zones": zones})
    for name, content in (("production", first), ("staging", both)):
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps(content))
    production = load("production", tmp_path)
    expected = {*BESIDE} - {key} if "environment.account" not in place else set()
    if place.get("environment.region"):
        expected &= {"notifications.slack_channel_id", "delivery.own_identity_provider"}
    if key == "network.vpc.vpc_name":
        expected -= {"network.security_group_name"}  # once in each VPC
    found = set()
    try:
        refuse_shared(production, tmp_path)
    except SettingsError as refused:
        for line in str(refused).splitlines():
            assert "production.toml: " in line
            assert "in environments/staging.toml." in line, "production's stay as they are"
            found.add(line.split(": ")[1])
    assert found == expected


def test_the_plans_environments_share_nothing_and_a_refused_file_claims_nothing(
    document: Document, tmp_path: Path
) -> None:
    for name in environment_names():
        refuse_shared(load(name))
    for name, change in (("production", {}), ("staging", {"redis.engine": "redis-5"})):
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps(changed(document, change)))
    refuse_shared(load("production", tmp_path), tmp_path)


def test_the_client_takes_what_the_settings_take(document: Document) -> None:
    """The bounds are in both, since the client is a package of its own: they are the same."""
    same = ("max_reconnect_attempts", "instances", "pool_size", "pool_idle_seconds")
    names = {"timeout_ms": "REDIS_TIMEOUT"} | {key: f"REDIS_{key.upper()}" for key in same}
    requests, seconds = bound(RateLimit, "requests"), bound(RateLimit, "seconds")
    most = {name: str(bound(Application, key)) for key, name in names.items()} | {
        f"RATE_LIMIT_{tier.upper()}": f"{requests},{seconds}"
        for tier in document["application"]["rate_limits"]
    }
    most |= {"REDIS_URL": "rediss://r:6379", "REDIS_TLS": "true", "REDIS_ENABLED": "true"}
    most["REDIS_PASSWORD_SECRET_ARN"] = "arn:of-a-secret"  # noqa: S105 - no secret
    ClientSettings.from_environment(most)
    above = {name: str(int(most[name]) + 1) for name in names.values()}
    for name, value in [
        *above.items(),
        ("RATE_LIMIT_MFA", f"{requests + 1},{seconds}"),
        ("RATE_LIMIT_MFA", f"{requests},{seconds + 1}"),
    ]:
        with pytest.raises(ClientError, match=name):
            ClientSettings.from_environment(most | {name: value})


def bound(table: type[Section], key: str) -> int:
    """The greatest number that a key takes."""
    shown = [str(getattr(one, "func", one).__doc__) for one in table.model_fields[key].metadata]
    (most,) = (text for text in shown if text.startswith("≤"))
    return int(most.removeprefix("≤ "))


def test_a_recovery_may_be_measured_beyond_the_longest_objective() -> None:
    assert LONGEST_OBJECTIVE_MINUTES * 60 < LONGEST_SECONDS
