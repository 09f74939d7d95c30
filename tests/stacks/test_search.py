"""A search over settings files, for what breaks a template: ``make search``, ``make test-long``.

Every choice of a feature meets every choice of every other feature in some file. Whatever the
settings accept of these files must become templates within CloudFormation's limits that cfn-lint
accepts, with every node watched.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from allpairspy import AllPairs

from environments.access import EXTRA_COMMANDS
from environments.engines import ENGINES
from environments.node_types import node_type
from environments.parameters import SETTABLE, check_parameter
from environments.regions import NOT_SOLD, zones
from environments.schema import Settings
from tests.stacks.limits import over
from tests.stacks.test_attached import ATTACHED
from tests.stacks.test_topologies import findings, nodes_of
from tests.support import Document, Synth
from tests.variants import ABSENT, OWN_VPC, REAL, Change, changed
from tools.assembly import Stack

AT_ONCE = 10  # files of one synth
WINDOWS = [{"requests": 1_000_000, "seconds": 1_209_600 - number} for number in range(8)]
SECURITY_GROUP = "sg-0123456789abcdef0"
PLACE = "us-east-1:111122223333"
OWN = OWN_VPC["network.vpc"]
LONGEST_ATTACHED = {
    "address": ".".join(["a" * 63] * 3 + ["b" * 61]),
    "reader_address": ".".join(["r" * 63] * 3 + ["b" * 61]),
    "security_group_id": SECURITY_GROUP,
    "kms_key_arn": f"arn:aws:kms:{PLACE}:key/mrk-{'0' * 32}",
    "token_secret_arn": f"arn:aws:secretsmanager:{PLACE}:secret:{'x' * 512}-aB3dE6",
    **dict.fromkeys(("clients_read_secret", "plan_rights", "login_kept"), True),
}

# (shards, replicas); without automatic failover and Multi-AZ where the last is false.
SHAPES = [
    *((15, 5, True), (45, 1, True), (20, 1, True), (5, 2, True), (3, 1, True)),
    *((1, 5, True), (1, 1, True), (1, 1, False), (1, 0, False)),
]
FEATURES: dict[str, list[Any]] = {
    "engine": sorted(ENGINES, reverse=True),
    "node": [
        *("cache.t3.micro", "cache.t4g.medium", "cache.m5.large", "cache.m6g.large"),
        *("cache.r6gd.xlarge", "cache.r7g.16xlarge", "cache.c7gn.large", "cache.r8g.large"),
    ],
    "shape": SHAPES,
    "network": [
        *("us-east-1", "eu-west-1", "ap-southeast-7", "mx-central-1", "il-central-1"),
        *("attached with everything", "attached", "existing"),
    ],
    "durability": ["sync", "disabled", "default"],
    "parameters": ["greatest", "least", "plan", "none"],
    "tiers": [40, 1, 0],
    "tags": [{"owner": "me"}, {f"key{number}": "x" * 256 for number in range(46)}, {}],
    "cidr": ["10.0.0.0/16", "192.168.0.0/24", "100.64.0.0/26"],
    "endpoints": [[], ["ssm"], ["ssm", "secretsmanager"]],
    "rotation": ["made", "zones", "the VPC's"],
    "names": ["long", "short"],
    "window": ["02:00-03:00", "23:30-00:30", "14:00-20:00"],
    "server_tag": [{"key": "k" * 124, "value": "x" * 256}, {"key": "role", "value": "app"}, ABSENT],
    "secret": ["a/b_c+d=e.f@g-h", ABSENT],
    "test_monthly": [True, False],
    "scaled": [ABSENT, "2026-01-31T10:00:00Z"],
    "commands": [sorted(EXTRA_COMMANDS), []],
    "concurrency": ["one", "none"],
}


def parameters(family: str, which: str) -> Document:
    """All parameters of a family at one end of their ranges, or a few."""
    if which == "none":
        return {}
    found: Document = {"maxmemory-policy": "allkeys-lru", "timeout": 300}
    for name, allowed in SETTABLE[family].items() if which != "plan" else ():
        for value in sorted(allowed.replace("-", ",").split(","), reverse=which == "least"):
            try:
                check_parameter(family, name, value or "9" * 15)
            except ValueError:
                continue
            found[name] = value or "9" * 15
    return found | {"min-replicas-to-write": 0, "maxmemory-policy": "allkeys-lru"}


def network(choice: dict[str, Any]) -> Change:
    """The network, and what goes with it."""
    kind, rotation = choice["network"], choice["rotation"]
    if kind in ("existing", "attached", "attached with everything"):
        of_zones = {"rotation.endpoint_zones": ["us-east-1a"]} if rotation == "zones" else {}
        if kind == "existing":
            return of_zones
        needed = ("address", "security_group_id", "token_secret_arn")
        table = (
            LONGEST_ATTACHED
            if kind.endswith("everything")
            else {key: LONGEST_ATTACHED[key] for key in needed}
        )
        return {
            **(ATTACHED | of_zones),
            "redis.attached": table,
            "redis.encryption_at_rest": "kms_key_arn" in table,
            "notifications.pagerduty_secret_name": ABSENT,
        }
    made = [one for one in ("secretsmanager", "elasticache") if one not in choice["endpoints"]]
    return {
        **REAL,
        "environment.region": kind,
        "network.vpc": OWN
        | {
            "zones": zones(kind)[: 3 if choice["cidr"].endswith("/16") else 2],
            "cidr": choice["cidr"],
            "endpoints": choice["endpoints"],
        },
        "notifications.pagerduty_secret_name": choice["secret"],
        "rotation.endpoints": made,
        **({"rotation.endpoint_zones": zones(kind)[:1]} if rotation == "zones" else {}),
    }


def change(choice: dict[str, Any], number: int) -> Change:
    """Production's file with these choices; what another choice forbids gives way."""
    engine = ENGINES[choice["engine"]]
    region = choice["network"] if choice["network"] in NOT_SOLD else "us-east-1"
    node = node_type(choice["node"])
    if node.family in NOT_SOLD[region] or (node.valkey_only and engine.engine != "valkey"):
        node = node_type("cache.m6g.large")
    shards, replicas, failover = choice["shape"]
    durable = engine.has_durability and node.supports_durability and failover
    earned, long = node.cpu_credits, choice["names"] == "long"
    url = "https://example.com/" + "x" * 480 * long
    tiers = min(choice["tiers"], 1 if len(choice["tags"]) > 1 else 40)  # as 1 MB has room for
    given = parameters(engine.family, choice["parameters"])
    clustered = shards > 1 or (durable and choice["durability"] == "sync")
    no_reader = clustered and choice["network"] == "attached with everything"
    own_endpoints: Change = {
        "rotation.endpoints": [],
        "rotation.endpoint_security_group_id": SECURITY_GROUP,
    }
    return {
        "environment.name": f"{'e' * 15 * long}pair{number}"[-20:],
        "environment.tags": choice["tags"],
        "environment.reserved_concurrency": choice["concurrency"],
        "redis.engine": engine.name,
        "redis.node_type": node.name,
        "redis.shards": shards,
        "redis.replicas": replicas,
        "redis.cluster_mode": clustered,
        "redis.automatic_failover": failover,
        "redis.multi_az": failover,
        "redis.data_tiering": node.supports_data_tiering,
        "redis.durability": "default"
        if choice["durability"] == "sync" and not durable
        else choice["durability"],
        "redis.parameters": given,
        "redis.snapshot_window": choice["window"],
        "redis.extra_commands": choice["commands"],
        "redis.scaled": choice["scaled"],
        "redis.replication_group_id": "r" * 26 if long else "vibewell-redis",
        "redis.parameter_group_name": "p" * (255 if long else 1),
        "recovery.point_objective_hours": 24,
        "alarms.cpu_credit_balance": earned.maximum // 5 if earned else ABSENT,
        "alarms.connections": {"warning": 1000, "critical": 5000},
        "application.server_tag": choice["server_tag"],
        "notifications.test_monthly": choice["test_monthly"],
        "notifications.runbook_url": url,
        **{f"application.rate_limits.{'t' * 29}{n}": WINDOWS for n in range(tiers)},
        **network(choice),
        **({"redis.attached.reader_address": ABSENT} if no_reader else {}),
        **(own_endpoints if choice["rotation"] == "the VPC's" else {}),
    }


def files(base: Document) -> Iterator[Document]:
    """Each combination as a file."""
    for number, row in enumerate(AllPairs(list(FEATURES.values()))):
        yield changed(base, change(dict(zip(FEATURES, row, strict=True)), number))


def shapes(stack: Stack) -> Iterator[str]:
    """Each resource without its names and values: which properties it has."""
    for resource in stack.resources.values():
        yield re.sub(r'(: |\[|, )("[^"]*"|[0-9.]+)(?=[,\]}])', r"\1#", json.dumps(resource))


def shown(monitoring: Stack) -> Iterator[set[str]]:
    """The nodes of each graph of the dashboard."""
    body = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    for widget in body["widgets"]:
        lines: list[list[Any]] = widget["properties"].get("metrics", [])
        for before, line in pairwise(lines):  # a dot is what the line before has
            line[:] = [old if new == "." else new for old, new in zip(before, line, strict=True)]
        if lines:
            yield {line[3] for line in lines}


def check(synth: Synth, environments: list[Settings]) -> Iterator[frozenset[str]]:
    """Synthesise some files together; the structure of each that is as it must be."""
    stacks = synth(environments)
    assert not over(stacks)
    assert not findings(stacks)
    for one in environments:
        members = {*one.redis.topology.members}
        monitoring = stacks[f"{one.prefix}-monitoring"]
        watched: dict[str, set[str]] = {}
        for alarm in monitoring.of_type("AWS::CloudWatch::Alarm").values():
            kind = re.split("-shard-|-part-", alarm["AlarmName"])[0]
            watched.setdefault(kind, set()).update(nodes_of(alarm))
        assert all(nodes in (members, set()) for nodes in watched.values()), one.prefix
        assert members in watched.values()
        assert all(nodes == members for nodes in shown(monitoring))
        own = [stack for name, stack in stacks.items() if name.startswith(f"{one.prefix}-")]
        yield frozenset(shape for stack in own for shape in shapes(stack))


@pytest.fixture(scope="module")
def environments(production_document: Document) -> list[Settings]:
    """The settings of every file; the first have the largest of each feature."""
    return [Settings.model_validate(document) for document in files(production_document)]


@pytest.mark.slow
def test_the_largest_and_the_least_fit_into_what_aws_takes(
    synth: Synth, environments: list[Settings]
) -> None:
    assert len(set(check(synth, [*environments[:3], environments[-1]]))) == 4


@pytest.mark.search
@pytest.mark.long
def test_what_the_settings_accept_cloudformation_accepts(
    synth: Synth, environments: list[Settings]
) -> None:
    seen: set[frozenset[str]] = set()
    for start in range(0, len(environments), AT_ONCE):
        seen |= set(check(synth, environments[start : start + AT_ONCE]))
    assert len(seen) >= 60
