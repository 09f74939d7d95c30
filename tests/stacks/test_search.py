"""A search over settings files, for what breaks a template: ``make search``, ``make test-long``.

Every choice of a feature meets every choice of every other feature in some file. Whatever the
settings accept of these files must become templates within CloudFormation's limits that cfn-lint
accepts, with every node watched.
"""

import json
import re
from collections.abc import Iterator
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
from tests.stacks.test_topologies import accepted, findings, nodes_of
from tests.support import Document, Synth
from tests.variants import ABSENT, OWN_VPC, REAL, Change
from tools.assembly import Stack

pytestmark = [pytest.mark.search, pytest.mark.long]

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
    *((1, 0, False), (1, 1, False), (1, 1, True), (1, 5, True)),
    *((3, 1, True), (5, 2, True), (20, 1, True), (15, 5, True), (45, 1, True)),
]
FEATURES: dict[str, list[Any]] = {
    "engine": [*ENGINES],
    "node": [
        *("cache.t3.micro", "cache.t4g.medium", "cache.m5.large", "cache.m6g.large"),
        *("cache.r6gd.xlarge", "cache.r7g.16xlarge", "cache.c7gn.large", "cache.r8g.large"),
    ],
    "shape": SHAPES,
    "network": [
        *("existing", "attached", "attached with everything"),
        *("us-east-1", "eu-west-1", "ap-southeast-7", "mx-central-1", "il-central-1"),
    ],
    "durability": ["default", "disabled", "sync"],
    "parameters": ["none", "plan", "least", "greatest"],
    "tags": [{}, {"owner": "me"}, {f"key{number}": "x" * 256 for number in range(46)}],
    "tiers": [0, 1, 40],
    "cidr": ["10.0.0.0/16", "192.168.0.0/24", "100.64.0.0/26"],
    "endpoints": [[], ["ssm"], ["ssm", "secretsmanager"]],
    "rotation": ["made", "zones", "the VPC's"],
    "names": ["short", "long"],
    "window": ["02:00-03:00", "23:30-00:30", "14:00-20:00"],
    "server_tag": [ABSENT, {"key": "role", "value": "app"}, {"key": "k" * 124, "value": "x" * 256}],
    "secret": [ABSENT, "a/b_c+d=e.f@g-h"],
    "test_monthly": [False, True],
    "scaled": [ABSENT, "2026-01-31T10:00:00Z"],
    "commands": [[], sorted(EXTRA_COMMANDS)],
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
        "redis.cluster_mode": shards > 1 or (durable and choice["durability"] == "sync"),
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
        **(own_endpoints if choice["rotation"] == "the VPC's" else {}),
    }


def files(base: Document) -> Iterator[tuple[Change, Document | None]]:
    """Each combination, and its file if the settings accept it."""
    for number, row in enumerate(AllPairs(list(FEATURES.values()))):
        made = change(dict(zip(FEATURES, row, strict=True)), number)
        yield made, accepted(base, [made])


def shapes(stack: Stack) -> Iterator[str]:
    """Each resource without its names and values: which properties it has."""
    for resource in stack.resources.values():
        yield re.sub(r'(: |\[|, )("[^"]*"|[0-9.]+)(?=[,\]}])', r"\1#", json.dumps(resource))


@pytest.fixture(scope="module")
def environments(production_document: Document) -> list[Settings]:
    found = list(files(production_document))
    return [Settings.model_validate(document) for _, document in found if document]


def test_what_the_settings_accept_cloudformation_accepts(
    synth: Synth, environments: list[Settings]
) -> None:
    seen: set[frozenset[str]] = set()
    for start in range(0, len(environments), AT_ONCE):
        some = environments[start : start + AT_ONCE]
        stacks = synth(some)
        assert not over(stacks)
        assert not findings(stacks)
        for one in some:
            monitoring = stacks[f"{one.prefix}-monitoring"]
            alarms = monitoring.of_type("AWS::CloudWatch::Alarm")
            watched = {node for alarm in alarms.values() for node in nodes_of(alarm)}
            assert watched == set(one.redis.topology.members)
            own = [stack for name, stack in stacks.items() if name.startswith(f"{one.prefix}-")]
            seen.add(frozenset(shape for stack in own for shape in shapes(stack)))
        print(f"{start + len(some)} files, {len(seen)} different structures")
    assert len(seen) >= 60
