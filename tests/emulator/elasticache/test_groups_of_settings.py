"""Parameter groups, subnet groups, tags, engine versions and paging."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.elasticache.parameter_catalog import CATALOG
from emulator.elasticache.state import Subnet
from emulator.engines import PROGRAMS
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import Rehearsed, Start


def make_parameters(rehearsed: Rehearsed) -> str:
    answer = rehearsed.client.create_cache_parameter_group(
        CacheParameterGroupName="Params", CacheParameterGroupFamily="redis6.x", Description="d"
    )
    name: str = answer["CacheParameterGroup"]["CacheParameterGroupName"]
    return name


def set_parameter(rehearsed: Rehearsed, name: str, value: str) -> None:
    rehearsed.client.modify_cache_parameter_group(
        CacheParameterGroupName="params",
        ParameterNameValues=[{"ParameterName": name, "ParameterValue": value}],
    )


def user_parameters(rehearsed: Rehearsed) -> dict[str, str]:
    answer = rehearsed.client.describe_cache_parameters(
        CacheParameterGroupName="params", Source="user"
    )
    return {each["ParameterName"]: each["ParameterValue"] for each in answer["Parameters"]}


def test_a_parameter_group_is_kept_in_lower_case(rehearsed: Rehearsed) -> None:
    assert make_parameters(rehearsed) == "params"


def test_a_changed_parameter_reaches_the_running_nodes_and_a_reset_takes_it_back(
    rehearsed: Rehearsed,
) -> None:
    make_parameters(rehearsed)
    rehearsed.create(CacheParameterGroupName="params")
    node = rehearsed.service._state.groups["redis"].running.shards[0].primary  # noqa: SLF001

    def timeout() -> str:
        found: dict[str, str] = node.server.call("config", "get", "timeout")
        return found["timeout"]

    set_parameter(rehearsed, "timeout", "300")
    assert user_parameters(rehearsed) == {"timeout": "300"}
    until(lambda: timeout() == "300", 120, "the new value")
    rehearsed.client.reset_cache_parameter_group(
        CacheParameterGroupName="params", ParameterNameValues=[{"ParameterName": "timeout"}]
    )
    until(lambda: timeout() == "0", 120, "the default")
    assert user_parameters(rehearsed) == {}


def test_a_group_in_use_can_be_swapped_for_another(rehearsed: Rehearsed) -> None:
    make_parameters(rehearsed)
    set_parameter(rehearsed, "maxmemory-policy", "noeviction")
    rehearsed.create()
    rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", CacheParameterGroupName="params", ApplyImmediately=True
    )
    rehearsed.wait()
    assert rehearsed.connect().info("memory")["maxmemory_policy"] == "noeviction"


@pytest.mark.parametrize(("engine", "version"), list(PROGRAMS))
def test_every_parameter_of_a_family_is_one_that_its_server_takes(
    rehearsed: Rehearsed, engine: str, version: str
) -> None:
    rehearsed.create(Engine=engine, EngineVersion=version)
    assert rehearsed.connect().ping()


def test_a_family_says_which_parameters_can_be_changed(rehearsed: Rehearsed) -> None:
    pages = rehearsed.client.get_paginator("describe_cache_parameters").paginate(
        CacheParameterGroupName="default.redis6.x", PaginationConfig={"PageSize": 20}
    )
    found = {each["ParameterName"]: each for page in pages for each in page["Parameters"]}
    assert found.keys() == CATALOG["redis6.x"].keys()
    assert found["timeout"]["IsModifiable"]
    assert not found["appendonly"]["IsModifiable"]
    assert found["active-defrag-cycle-max"]["AllowedValues"] == "1-75"
    assert found["active-defrag-cycle-max"]["DataType"] == "integer"


def test_a_subnet_group_knows_its_vpc_and_zones(start: Start) -> None:
    known = {"subnet-1": Subnet("subnet-1", "us-east-1d", "vpc-1")}
    rehearsed = start(find_subnet=known.get)
    answer = rehearsed.client.create_cache_subnet_group(
        CacheSubnetGroupName="Private", CacheSubnetGroupDescription="d", SubnetIds=["subnet-1"]
    )
    group = answer["CacheSubnetGroup"]
    assert (group["CacheSubnetGroupName"], group["VpcId"]) == ("private", "vpc-1")
    assert group["Subnets"][0]["SubnetAvailabilityZone"]["Name"] == "us-east-1d"
    with pytest.raises(ClientError, match="InvalidSubnet"):
        rehearsed.client.modify_cache_subnet_group(
            CacheSubnetGroupName="private", SubnetIds=["subnet-2"]
        )
    rehearsed.client.modify_cache_subnet_group(
        CacheSubnetGroupName="private", CacheSubnetGroupDescription="new"
    )
    (found,) = rehearsed.client.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert found["CacheSubnetGroupDescription"] == "new"
    rehearsed.client.delete_cache_subnet_group(CacheSubnetGroupName="private")
    assert rehearsed.client.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


def test_tags_are_kept_for_each_kind_of_resource(rehearsed: Rehearsed) -> None:
    client = rehearsed.client
    make_parameters(rehearsed)
    tags = [{"Key": "a", "Value": "b"}]
    group = rehearsed.create(Tags=tags)
    parameters = client.describe_cache_parameter_groups(CacheParameterGroupName="params")
    arns = [group["ARN"], parameters["CacheParameterGroups"][0]["ARN"]]
    assert client.list_tags_for_resource(ResourceName=arns[0])["TagList"] == tags
    for arn in arns:
        client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "c", "Value": "d"}])
        found = client.remove_tags_from_resource(ResourceName=arn, TagKeys=["c"])["TagList"]
        assert {"Key": "c", "Value": "d"} not in found


def test_engine_versions_are_listed_by_family(rehearsed: Rehearsed) -> None:
    def versions(**fields: Any) -> list[str]:
        found = rehearsed.client.describe_cache_engine_versions(**fields)["CacheEngineVersions"]
        return [each["EngineVersion"] for each in found]

    assert versions(CacheParameterGroupFamily="redis7") == ["7.0.7", "7.1.0"]
    assert versions(Engine="redis", DefaultOnly=True) == ["7.1.0"]
