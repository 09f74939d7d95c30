"""The addresses that clients read: the restored group's."""

from collections.abc import Callable, Mapping
from typing import Any


def mend(
    ssm: Any, path: str, group: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, str]:
    """Publish the group's addresses where others stand; what was changed, by parameter.

    A group of the same name has the same address, so that nothing is to be done. Should AWS give
    another, clients would look for the old one, and CloudFormation would not see it.
    """
    changed: dict[str, str] = {}
    for name, address in _addresses(group).items():
        parameter = f"{path}/{name}"
        if ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == address:
            continue
        ssm.put_parameter(Name=parameter, Value=address, Overwrite=True)
        say(f"{parameter} is now {address}: restart applications that read it at their start")
        changed[parameter] = address
    return changed


def _addresses(group: Mapping[str, Any]) -> dict[str, str]:
    shard = group["NodeGroups"][0]
    endpoints = {
        "REDIS_URL": group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint"),
        "REDIS_READER_URL": shard.get("ReaderEndpoint"),
    }
    return {
        name: f"rediss://{endpoint['Address']}:{endpoint['Port']}"
        for name, endpoint in endpoints.items()
        if endpoint
    }
