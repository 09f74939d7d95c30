"""The group as the deployed template wants it: what a snapshot does not carry is read from here."""

from collections.abc import Mapping, Set
from typing import Any

from tools.command import Answer
from tools.stacks import find, state_of, template

GROUP, SECURITY_GROUP = "AWS::ElastiCache::ReplicationGroup", "AWS::EC2::SecurityGroup"


def deployed(cloudformation: Any, stack: str) -> tuple[dict[str, Any], set[str]]:
    """The group's properties, as CreateReplicationGroup takes them, and the names of what is made.

    From the data stack as CloudFormation has it, which no file in this checkout can contradict.
    Raises Answer in a bad moment, for what is not known, and for a group without a user group,
    which a snapshot does not carry: anybody who reaches the restored one could log in.
    """
    found = find(cloudformation, stack)
    if found is None:
        raise Answer(
            f"restore: there is no stack {stack}, and a group needs its key, token and network. "
            "Deploy the environment first: the snapshot is still there afterwards."
        )
    if not state_of(found).changeable:
        raise Answer(
            f"restore: {stack} is {found['StackStatus']}, and two hands on one group could lose "
            "it. Wait until CloudFormation has finished: make stacks says what it is."
        )
    resources = template(cloudformation, stack)["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource.get("PhysicalResourceId")
    }
    groups = [one["Properties"] for one in resources.values() if one["Type"] == GROUP]
    if not groups:
        raise Answer(
            "restore: the deployed stack makes no group: it is somebody else's "
            "(docs/start/adoption.md). Its owner restores it, from a snapshot and with the user "
            "group that it has now."
        )
    security = {key for key, one in resources.items() if one["Type"] == SECURITY_GROUP}

    wanted: dict[str, Any] = _plain(groups[0], physical, security & physical.keys())
    if not wanted.get("UserGroupIds"):
        raise Answer(
            "restore: the deployed group has no UserGroupIds, and would be restored without a "
            "login. Restore it by hand, with the AUTH token that its clients use."
        )
    return wanted, set(physical.values())


def _plain(value: Any, physical: Mapping[str, str], security: Set[str]) -> Any:
    """A template's value with what it refers to. Raises Answer for what is not known."""
    match value:
        case {"Ref": str(name)} if name in physical and len(value) == 1:
            return physical[name]
        case {"Fn::GetAtt": [str(name), "GroupId"]} if name in security:
            return physical[name]
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_plain(part, physical, security)) for part in parts)
        case dict() if any(name == "Ref" or name.startswith("Fn::") for name in value):
            raise Answer(
                f"restore: the deployed group says {value}, which this command cannot read. "
                "Teach it to tools/restore/deployed.py, or restore by hand."
            )
        case dict():
            return {name: _plain(part, physical, security) for name, part in value.items()}
        case list():
            return [_plain(part, physical, security) for part in value]
    return value
