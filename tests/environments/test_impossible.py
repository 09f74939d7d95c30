"""Values and files that look right and cannot be: one message each, whose remedy is accepted."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from environments.schema import Settings
from tests.environments.messages import one_message, said
from tests.stacks.test_attached import ATTACHED, KEY, SECRET
from tests.support import PLAN, Document
from tests.variants import DURABLE, OWN_VPC, Change, changed

ACCOUNT, ENDPOINTS = "environment.account", "rotation.endpoint_security_group_id"
RUNBOOK, SCALED = "notifications.runbook_url", "redis.scaled"
# Of the right form, and there can be no such thing.
IMPOSSIBLE: list[tuple[str, list[Any]]] = [
    (ACCOUNT, ["0" * 12, "1111-2222-3333", "١" * 12]),
    ("environment.region", ["us-east-1a", "US-EAST-1", "use1", "cn-north-1"]),
    ("environment.name", ["prod\\0", "production\u200b", "ｐroduction", "p" * 21]),
    ("network.vpc.vpc_name", ["vpc-0a1b2c3d", "vpc-0123456789abcdef0", "x" * 256]),
    ("network.vpc.application_security_group_name", ["sg-0a1b2c3d", "x" * 256]),
    ("network.security_group_name", ["sg-0a1b2c3d", "x" * 256, "café"]),
    ("network.subnet_group_name", ["default", "a" * 256, "a_b"]),
    ("redis.replication_group_id", ["arn:aws:elasticache:us-east-1:1:x", "a-", "1a", "r" * 41]),
    ("redis.engine", ["redis-6.2.6", "Redis-6.2", "redis", "valkey-10.0"]),
    ("redis.node_type", ["t3.medium", "cache.t3", "db.t3.medium", "cache.t3.medium.x"]),
    ("redis.snapshot_window", ["24:00-25:00", "02:60-03:60", "02:00-02:00", "2:00-3:00"]),
    ("redis.snapshot_window", ["02:00\u201303:00", "0٢:00-03:00"]),
    ("redis.maintenance_window", ["sun:24:00-mon:01:00", "sun:03:00-sun:03:59"]),
    ("redis.maintenance_window", ["SUN:03:00-SUN:05:00", "sun:03:00-mon:03:01"]),
    (SCALED, ["2026-02-31T10:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01", "2026-1-1T1:0:0Z", ""]),
    (SCALED, ["2999-01-01T00:00:00Z", "2026-01-01T10:00:00+01:00", "2٠26-01-01T10:00:00Z"]),
    ("redis.log_retention_days", [0, -1, 10**9]),
    ("rotation.day_of_month", [0, 29]),
    ("rotation.start_hour", [24, -1]),
    ("rotation.endpoint_zones", [["us-east-1"], ["use1-az1"], ["us-east-1A"]]),
    (ENDPOINTS, ["sg-123456789", "sg-0A1B2C3D", "vpce-0a1b2c3d", "redis-sg"]),
    ("recovery.hour", [24, -1]),
    ("application.server_tag", ["role", ["role"], {"key": "role"}]),
    ("notifications.slack_workspace_id", ["t0EXAMPLE0", "https://a.slack.com", "T1"]),
    ("notifications.slack_channel_id", ["c0EXAMPLE0", "#alerts", "D0EXAMPLE0"]),
    ("notifications.slack_channel_name", ["alerts", "#", "#A", f"#{'a' * 81}"]),
    (RUNBOOK, [f"https://{host}/x" for host in ("300.1.2.3", "a.b.300", "-a.b.com", "a..b.com")]),
    (RUNBOOK, [f"https://{'a' * 64}.com", "https://example.com:0/", "https://example.com:65536/"]),
    (RUNBOOK, ["https://example.com/%zz", "http://example.com", "https://me@example.com"]),
    ("notifications.pagerduty_secret_name", ["arn:aws:secretsmanager:us-east-1:1:secret:a", ""]),
    ("notifications.pagerduty_secret_name", ["a b", "x" * 513]),
]
POSSIBLE: list[tuple[str, list[Any]]] = [
    ("environment.region", ["us-east-1"]),
    ("environment.name", ["production"]),
    ("network.vpc.vpc_name", ["é", "e\u0301"]),
    ("network.vpc.application_security_group_name", ["default"]),
    ("network.security_group_name", ["x" * 255]),
    ("network.subnet_group_name", ["subnet-0a1b2c3d"]),
    ("redis.replication_group_id", ["r"]),
    ("redis.engine", ["valkey-9.1"]),
    ("redis.snapshot_window", ["23:30-00:30"]),
    ("redis.maintenance_window", ["sat:23:30-sun:00:30"]),
    (SCALED, ["2024-02-29T23:59:59Z"]),
    ("redis.log_retention_days", [1, 3653]),
    ("rotation.day_of_month", [1]),
    ("rotation.start_hour", [5]),
    ("rotation.endpoint_zones", [["us-east-1a"]]),
    (ENDPOINTS, ["sg-0a1b2c3d"]),
    ("application.server_tag", [{"key": "a:b", "value": "c"}]),
    ("notifications.slack_channel_id", ["G0EXAMPLE0"]),
    ("notifications.slack_channel_name", ["#a"]),
    (RUNBOOK, ["https://10.0.0.1:65535/a%20b", "https://a.b"]),
    ("notifications.pagerduty_secret_name", ["a@b.c"]),
]
ELSEWHERE, OTHERS = ("us-east", "us-west"), ("111122223333", "444455556666")
ATTACHED_IMPOSSIBLE = [
    ("address", ["a..b", "-a", "a-.b", "a_b.c", "A.b", "a.b:6379", "rediss://a", f"{'a' * 64}.b"]),
    ("address", ["a" * 254]),
    ("security_group_id", ["sg-123456789", "owner-redis"]),
    ("kms_key_arn", ["alias/owner", KEY.replace(":key/", ":alias/"), f"{KEY}0", f"{KEY[:-1]}*"]),
    ("kms_key_arn", [KEY.replace("arn:aws:", "arn:aws-cn:"), KEY.replace(*ELSEWHERE)]),
    # A pattern in a policy is a right to all of them; the longest fit, and none beyond.
    ("token_secret_arn", ["owner", SECRET[:-7], f"{SECRET[:-6]}*", SECRET.replace(*ELSEWHERE)]),
    ("token_secret_arn", [SECRET.replace(*OTHERS), SECRET.replace("token", "x" * 513)]),
]
ATTACHED_POSSIBLE = [
    ("address", [".".join(["a" * 63] * 3), "10.0.0.1"]),
    ("security_group_id", ["sg-0a1b2c3d"]),
    ("kms_key_arn", [KEY.replace(*OTHERS), f"{KEY.partition('key/')[0]}key/mrk-{'0' * 32}"]),
    ("token_secret_arn", [SECRET.replace("vibewell-redis-production-token", "x" * 512)]),
]
CASES = [
    (wrong, f"{under}{key}", base | {f"{under}{key}": value})
    for wrong, base, under, table in (
        (True, {}, "", IMPOSSIBLE),
        (False, {}, "", POSSIBLE),
        (True, ATTACHED, "redis.attached.", ATTACHED_IMPOSSIBLE),
        (False, ATTACHED, "redis.attached.", ATTACHED_POSSIBLE),
    )
    for key, values in table
    for value in values
]


@pytest.mark.parametrize(("wrong", "key", "change"), CASES)
def test_what_cannot_be_is_refused_in_one_message(
    document: Document, tmp_path: Path, wrong: bool, key: str, change: Change
) -> None:
    if wrong:
        one_message(document, change, key, tmp_path)
    else:
        Settings.model_validate(changed(document, change))


TEXT = (PLAN / "environments" / "production.toml").read_text()
# What is written instead of what in production's file, and the beginning of the message, or nothing
# where TOML and AWS take it.
FEATURES = [
    # Numbers
    *(("replicas = 2 ", f"replicas = {number}", "") for number in ("0x2", "+2", "0b10", "0o2")),
    *(("replicas = 2 ", f"replicas = {number}", "redis.replicas: ") for number in ("2.0", "2e0")),
    ("replicas = 2 ", "replicas = 02", "line 28, key replicas: "),
    ("replicas = 2 ", "replicas = -0", "redis.automatic_failover: it is true with no replica"),
    ("max_clients = 10000", "max_clients = 10_000", ""),
    ("timeout = 300", f"timeout = {'9' * 20}", "redis.parameters.timeout: the number has over"),
    *(
        (f"{key} = {value}", f"{key} = {odd}", f"{under}{key}: ")
        for key, value, under in (
            ("timeout", 300, "redis.parameters."),
            ("wanted_memory_gib", 4, "redis."),
            ("swap_mib", 50, "alarms."),
            ("hour", 9, "recovery."),
        )
        for odd in ("nan", "-inf", "0.5e400", "2026-01-01", "{ a = 1 }", '""', "true", "-1e-9")
    ),
    # Truth, dates and text
    ("multi_az = true", "multi_az = True", "line 30, key multi_az: "),
    ("multi_az = true", "multi_az = yes", "line 30, key multi_az: "),
    *(("az = true", f"az = {one}", "redis.multi_az: ") for one in ('"true"', "1", "[true]")),
    *(
        ('"02:00-03:00"', moment, "redis.snapshot_window: ")
        for moment in ("02:00:00", "1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00")
    ),
    ('"production"', "'production'", ""),
    ('"production"', "'''production'''", ""),
    ('"production"', '"""\nproduction"""', ""),
    ('"production"', '"""production\n"""', "environment.name: this begins or ends with"),
    ('"production"', '"production', "line 5, key name: "),
    ('"production"', '"pro\\qduction"', "line 5, key name: "),
    # Tables
    ("[network]", "[network.vpc.x]\n[network]", "network.vpc.x: unknown key"),
    ("[redis]\n", "[[redis]]\n", "redis: "),
    ("[redis]\n", " [ redis ] # a comment\n", ""),
    ("[network.vpc]", "[[network.vpc]]", "network.vpc: "),
    ("[application.rate_limits]", "[[application.rate_limits]]", "application.rate_limits: "),
    ("[redis.parameters]", "[redis.parameters.timeout]", "redis.parameters.timeout: "),
    ("multi_az = true", "multi_az.zones = true", "redis.multi_az: "),
    ("timeout = 300", '"timeout" = 300', ""),
    ("timeout = 300", '"time\\u006Fut" = 300', ""),
    ("[alarms]", "redis.replicas = 2\n[alarms]", "recovery.redis: unknown key"),
    ("[environment]", "redis.replicas = 2\n[environment]", "line "),
    ("[environment]", "surplus.a.b = 2\n[environment]", "surplus: unknown key"),
    ("timeout = 300", "timeout = 300\ntimeout = 20", "line 48"),
    ("timeout = 300", 'timeout = 300\n"timeout" = 20', "line 48"),
    *(("[alarms]", f"[{name}]\n[alarms]", "line ") for name in ("redis", "redis.parameters", "a.")),
    ("[alarms]", "[]\n[alarms]", "line "),
    ("[alarms]", '[""]\n[alarms]', '"": unknown key'),
    ("[alarms]", '[" alarms"]\n[alarms]', "the file: a key begins or ends"),
    # Keys
    ("replicas = 2 ", "Replicas = 2 ", "redis.replicas: this key is missing"),
    ("replicas = 2 ", "r\u0435plicas = 2 ", "line 28"),
    ("replicas = 2 ", '"r\u0435plicas" = 2 ', "redis.replicas: this key is missing"),
    # Lines and signs
    *(("\n", line, "") for line in ("\r\n", "\n\n", "\n# \u0085\n", "\n\t\n")),
    ("\n", "\n\ufeff", "line 2"),
    ("[alarms]", "\0[alarms]", "line "),
    ("[alarms]", "# \u0007\n[alarms]", "line "),
    ("[alarms]", "\u2028[alarms]", "line "),
]


@pytest.mark.parametrize(("before", "after", "says"), FEATURES)
def test_toml_as_it_is_also_written(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in TEXT
    text = TEXT.replace(before, after, -1 if before == "\n" else 1)
    found = said(tmp_path, text.encode())
    assert not says or says in found
    assert bool(says) == bool(found), found


ZONES = {"zones": ["eu-west-1a", "eu-west-1b"]}
IN_IRELAND = {"network.vpc": OWN_VPC["network.vpc"] | ZONES, "environment.region": "eu-west-1"}
LARGE = {"redis.shards": 5, "redis.replicas": 5, "redis.durability": "sync"}


@pytest.mark.parametrize(
    "change",
    [
        IN_IRELAND,
        {**DURABLE, "redis.engine": "valkey-9.1", "redis.durability": "sync"},
        {**DURABLE, "redis.engine": "valkey-9.1", "redis.durability": "async"},
        DURABLE | IN_IRELAND | LARGE,
        {"redis.parameters": {}, "environment.tags": {}},
        {"application.server_tag": {"key": "aws:a", "value": "b"}},
    ],
)
def test_what_is_legal_is_accepted(tmp_path: Path, document: Document, change: Change) -> None:
    assert not said(tmp_path, tomli_w.dumps(changed(document, change)).encode())
