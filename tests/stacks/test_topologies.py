"""The same settings deploy one primary with replicas, or shards: what follows from it."""

import copy
import json
import re
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import pytest
from allpairspy import AllPairs
from pydantic import ValidationError

from environments.access import EXTRA_COMMANDS
from environments.parameters import SETTABLE
from environments.schema import Settings
from tests.stacks.limits import over
from tests.support import ROOT, Document, Stacks, Synth
from tests.variants import ABSENT, DURABLE, LARGE, OWN_VPC, SHARDED, SINGLE, Change, changed
from tools.assembly import Stack

CLEAN = ROOT / "build" / "cfn-lint"  # a file for each template that nothing was said of
# W3010: the zones are an environment's own setting, so that synth asks AWS for nothing.
# W3005: the library's Function writes DependsOn beside the GetAtt of its role.
IGNORED = ["W3010", "W3005"]
# Numbers of nodes, shards and parts in names, and ids of metrics.
NUMBERED = re.compile(r"(?<=-)[0-9]{1,4}\b|\b[ab][0-9]+\b")
TWO_SHARDS = {**SHARDED, "redis.shards": 2}

# Every choice of one row is paired with every choice of every other.
CHOICES: list[list[Change]] = [
    [{"redis.engine": name} for name in ("redis-6.2", "redis-7.1", "valkey-9.0")],
    [SINGLE, {"redis.replicas": 1}, TWO_SHARDS, {**TWO_SHARDS, "redis.replicas": 1}],
    [{}, LARGE, {**LARGE, "redis.node_type": "cache.r6gd.xlarge", "redis.data_tiering": True}],
    [{}, OWN_VPC],
    [{}, {"notifications.pagerduty_secret_name": ABSENT}],
]


LONG = {
    "environment.name": "e" * 20,
    "redis.replication_group_id": "r" * 26,
    "notifications.runbook_url": "https://example.com/" + "x" * 480,
}
# As much as the settings take of what a template has more of.
LARGEST: dict[str, Change] = {
    "full": {**SHARDED, "redis.shards": 20, "redis.replicas": 1},
    "shards": {**SHARDED, "redis.shards": 45, "redis.replicas": 1},
    "replicas": {**SHARDED, **LONG, "redis.shards": 15, "redis.replicas": 5},
    "values": {
        **LONG,
        "redis.extra_commands": sorted(EXTRA_COMMANDS),
        "redis.parameters": {
            name: "yes" if allowed == "yes,no" else 1000
            for name, allowed in SETTABLE["redis6.x"].items()
            if allowed in ("yes,no", "0-", "-", "0,20-", "1-") and name != "min-replicas-to-write"
        },
    },
    "tags": {**OWN_VPC, "environment.tags": {f"key{number}": "x" * 256 for number in range(46)}},
}


def accepted(base: Document, changes: list[Change]) -> Document | None:
    """The document of a combination, unless the settings refuse it."""
    document = base
    for change in changes:
        document = changed(document, change)
    try:
        Settings.model_validate(document)
    except ValidationError:
        return None
    return document


def named(document: Document, name: str) -> Settings:
    """The settings under another environment's name, so that many fit into one assembly."""
    return Settings.model_validate(changed(document, {"environment.name": name}))


@pytest.fixture(scope="module")
def sharded(synth: Synth, production_document: Document) -> Stacks:
    document = changed(production_document, {**DURABLE, "redis.durability": "sync"})
    return synth([named(document, "sharded")])


@pytest.fixture(scope="module")
def pairs(synth: Synth, production_document: Document) -> Stacks:
    def possible(row: list[Change]) -> bool:
        return len(row) < len(CHOICES) or accepted(production_document, row) is not None

    documents = [
        accepted(production_document, row) for row in AllPairs(CHOICES, filter_func=possible)
    ]
    settings = [
        named(document, f"pair{number}") for number, document in enumerate(documents) if document
    ]
    assert len(settings) >= 12
    return synth(settings)


@pytest.mark.plan("1")
def test_shards_are_made_from_the_same_settings(sharded: Stacks) -> None:
    data = sharded["vibewell-redis-sharded-data"]
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    assert (group["NumNodeGroups"], group["ReplicasPerNodeGroup"]) == (3, 2)
    assert "NumCacheClusters" not in group
    assert group["Durability"] == "sync"
    parameters = data.only("AWS::ElastiCache::ParameterGroup")
    assert parameters["Properties"]["cluster-enabled"] == "yes"
    assert parameters["CacheParameterGroupFamily"] == "valkey9"


def test_clients_of_shards_get_the_configuration_address_and_no_reader(sharded: Stacks) -> None:
    data = sharded["vibewell-redis-sharded-data"]
    (group_id,) = data.of_type("AWS::ElastiCache::ReplicationGroup")
    published = {p["Name"]: p["Value"] for p in data.of_type("AWS::SSM::Parameter").values()}
    path = "/vibewell/sharded/redis"
    address = published[f"{path}/REDIS_URL"]["Fn::Join"][1][1]
    assert address == {"Fn::GetAtt": [group_id, "ConfigurationEndPoint.Address"]}
    assert f"{path}/REDIS_READER_URL" not in published


def test_there_is_an_alarm_a_shard(sharded: Stacks) -> None:
    names = alarm_names(sharded["vibewell-redis-sharded-monitoring"])
    assert {name for name in names if "memory" in name} == {
        f"vibewell-redis-sharded-memory-{severity}-shard-{shard}"
        for severity in ("warning", "critical")
        for shard in (1, 2, 3)
    }


def test_every_node_is_in_every_alarm_and_on_every_graph(pairs: Stacks) -> None:
    for name, data in pairs.items():
        if not name.endswith("-data"):
            continue
        monitoring = pairs[name.replace("-data", "-monitoring")]
        members = members_of(data)
        watched: dict[str, set[str]] = {}
        for alarm in monitoring.of_type("AWS::CloudWatch::Alarm").values():
            if "AWS/ElastiCache" not in json.dumps(alarm["Metrics"]):
                continue  # a figure of the whole group, or of a function
            kind = alarm["AlarmName"].split("-shard-")[0].split("-part-")[0]
            watched.setdefault(kind, set()).update(nodes_of(alarm))
        assert all(nodes == members for nodes in watched.values()), name
        body = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
        for widget in body["widgets"][1:]:
            assert {line[3] for line in widget["properties"]["metrics"]} == members


@pytest.mark.parametrize("case", LARGEST)
def test_the_largest_fit_into_what_aws_takes(
    synth: Synth, production_document: Document, case: str
) -> None:
    settings = Settings.model_validate(changed(production_document, LARGEST[case]))
    stacks = synth([settings])
    assert not over(stacks)
    monitoring = stacks[f"{settings.prefix}-monitoring"]
    body = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    shown = [arn for widget in body["widgets"] for arn in widget["properties"].get("alarms", [])]
    assert len(shown) == len(alarm_names(monitoring))
    for widget in body["widgets"]:
        lines: list[list[str]] = widget["properties"].get("metrics", [])
        for before, line in pairwise(lines):  # a dot is what the line before has
            line[:] = [old if new == "." else new for old, new in zip(before, line, strict=True)]
        assert not lines or {line[3] for line in lines} == {*settings.redis.topology.members}


def test_a_group_without_replicas_has_no_lag_to_alarm(
    synth: Synth, production_document: Document
) -> None:
    stacks = synth([named(changed(production_document, SINGLE), "single")])
    names = alarm_names(stacks["vibewell-redis-single-monitoring"])
    assert not any("replication-lag" in name for name in names)
    assert "vibewell-redis-single-memory-critical" in names


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "data",
        # Their resources are those of the shipped environments: only nodes and numbers differ.
        pytest.param("monitoring", marks=pytest.mark.long),
        pytest.param("operations", marks=pytest.mark.long),
    ],
)
def test_cloudformations_schemas_accept_every_pair_of_choices(pairs: Stacks, kind: str) -> None:
    found = {name: stack for name, stack in pairs.items() if name.endswith(f"-{kind}")}
    assert len(found) == len(pairs) / 3
    assert not findings(found)


def test_cfn_lint_would_have_found_a_wrong_property(templates: Stacks) -> None:
    stack = copy.deepcopy(templates["vibewell-redis-production-data"])
    stack.only("AWS::ElastiCache::ReplicationGroup")["MultiAZ"] = True
    assert findings({stack.name: stack})


@cache
def linter(region: str) -> Any:
    """cfn-lint with its rules, which take longer to load than a small template to check."""
    from cfnlint.config import ConfigMixIn  # seconds of every worker
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn(ignore_checks=IGNORED, regions=[region]))


def findings(stacks: Stacks) -> list[str]:
    """What cfn-lint says of the templates, warnings included; a clean one is read once."""
    CLEAN.mkdir(parents=True, exist_ok=True)
    found: list[str] = []
    for name, stack in stacks.items():
        region = stack.artifact["environment"].rsplit("/", 1)[1]
        text = json.dumps(without_repeats(stack.body))
        read = f"{version('cfn-lint')} {IGNORED} {region} {text}"
        clean = CLEAN / sha256(read.encode()).hexdigest()
        if clean.exists():
            continue
        from cfnlint.decode.decode import decode_str

        said = list(linter(region).validate_template(decode_str(text)[0]))
        found += [f"{name}: {match}" for match in said]
        if not said:
            clean.touch()
    return found


def without_repeats(body: Document) -> Document:
    """The template with one of the resources that differ in numbers alone and that none refers to.

    Alarms of many shards: cfn-lint would take minutes for them.
    """
    whole = json.dumps(body)
    first: dict[str, str] = {}
    kept = {
        name: resource
        for name, resource in body["Resources"].items()
        if first.setdefault(NUMBERED.sub("#", json.dumps(resource)), name) == name
        or whole.count(f'"{name}"') > 1
    }
    return body | {"Resources": kept}


def nodes_of(alarm: Document) -> set[str]:
    """The nodes whose metrics an alarm reads."""
    return {
        dimension["Value"]
        for query in alarm["Metrics"]
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "CacheClusterId"
    }


def alarm_names(stack: Stack) -> set[str]:
    return {alarm["AlarmName"] for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()}


def members_of(data: Stack) -> set[str]:
    """The node names as ElastiCache makes them, from what the template asks for."""
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    if "NumCacheClusters" in group:
        return {f"vibewell-redis-{node:03}" for node in range(1, group["NumCacheClusters"] + 1)}
    return {
        f"vibewell-redis-{shard:04}-{node:03}"
        for shard in range(1, group["NumNodeGroups"] + 1)
        for node in range(1, group["ReplicasPerNodeGroup"] + 2)
    }
