"""The same settings deploy one primary with replicas, or shards: what follows from it."""

import copy
import json
import re
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import pytest

from tests.stacks.template import PREFIX
from tests.support import ROOT, Document, Stacks, SynthChanged
from tests.variants import DURABLE, SINGLE
from tools.assembly import Stack

CLEAN = ROOT / "build" / "cfn-lint"  # a file for each template that nothing was said of
# W3010: the zones are an environment's own setting, so that synth asks AWS for nothing.
# W3005: the library's Function writes DependsOn beside the GetAtt of its role.
IGNORED = ["W3010", "W3005"]
# Numbers of nodes, shards and parts in names, and ids of metrics.
NUMBERED = re.compile(r"(?<=-)[0-9]{1,4}\b|\b[ab][0-9]+\b")


@pytest.fixture(scope="module")
def sharded(synth_changed: SynthChanged) -> Stacks:
    return synth_changed({**DURABLE, "redis.durability": "sync"})


@pytest.mark.plan("1")
def test_shards_are_made_from_the_same_settings(sharded: Stacks) -> None:
    data = sharded["data"]
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    assert (group["NumNodeGroups"], group["ReplicasPerNodeGroup"]) == (3, 2)
    assert "NumCacheClusters" not in group
    assert group["Durability"] == "sync"
    parameters = data.only("AWS::ElastiCache::ParameterGroup")
    assert parameters["Properties"]["cluster-enabled"] == "yes"
    assert parameters["CacheParameterGroupFamily"] == "valkey9"


def test_clients_of_shards_get_the_configuration_address_and_no_reader(sharded: Stacks) -> None:
    data = sharded["data"]
    (group_id,) = data.of_type("AWS::ElastiCache::ReplicationGroup")
    published = {p["Name"]: p["Value"] for p in data.of_type("AWS::SSM::Parameter").values()}
    path = "/vibewell/production/redis"
    address = published[f"{path}/REDIS_URL"]["Fn::Join"][1][1]
    assert address == {"Fn::GetAtt": [group_id, "ConfigurationEndPoint.Address"]}
    assert f"{path}/REDIS_READER_URL" not in published


def test_there_is_an_alarm_a_shard(sharded: Stacks) -> None:
    names = alarm_names(sharded["monitoring"])
    assert {name for name in names if "memory" in name} == {
        f"{PREFIX}-memory-{severity}-shard-{shard}"
        for severity in ("warning", "critical")
        for shard in (1, 2, 3)
    }


def test_a_group_without_replicas_has_no_lag_to_alarm(synth_changed: SynthChanged) -> None:
    names = alarm_names(synth_changed(SINGLE)["monitoring"])
    assert not any("replication-lag" in name for name in names)
    assert f"{PREFIX}-memory-critical" in names


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
