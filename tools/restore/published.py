"""The addresses that clients read: the restored group's."""

from collections.abc import Mapping
from typing import Any

from tools.restore.deployed import Deployed


def publish(ssm: Any, deployed: Deployed, path: str, group: Mapping[str, Any]) -> bool:
    """Publish the group's addresses where others are published, or none; whether one changed.

    A group of the same name has the same address, so that nothing is to be done. Should AWS give
    another, clients would look for the old one, and CloudFormation would not see it. A parameter
    that the stack has not made is left to the deployment that makes it: it could not if one were
    there.
    """
    changed = False
    for name, address in _addresses(group).items():
        parameter = f"{path}/{name}"
        if not deployed.made(parameter) or _value(ssm, parameter) == address:
            continue
        ssm.put_parameter(Name=parameter, Value=address, Type="String", Overwrite=True)
        print(f"{parameter} is now {address}: restart applications that read it at their start")
        changed = True
    return changed


def _value(ssm: Any, parameter: str) -> str | None:
    try:
        value: str = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return value


def _addresses(group: Mapping[str, Any]) -> dict[str, str]:
    shard: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
    endpoints = {
        "REDIS_URL": group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint"),
        "REDIS_READER_URL": shard.get("ReaderEndpoint"),
    }
    return {
        name: f"rediss://{endpoint['Address']}:{endpoint['Port']}"
        for name, endpoint in endpoints.items()
        if endpoint and endpoint.get("Address")
    }
