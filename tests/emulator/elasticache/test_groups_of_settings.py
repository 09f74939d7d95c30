"""Parameter groups, subnet groups, tags, engine versions and paging."""

import pytest
from botocore.exceptions import ClientError

from emulator.elasticache.parameter_catalog import CATALOG
from emulator.elasticache.state import Subnet
from emulator.engines import PROGRAMS
from tests.emulator.elasticache.conftest import Rehearsed, Start


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
