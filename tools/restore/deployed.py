"""The group as the deployed template wants it: what a snapshot does not carry is read from here."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tools.command import Answer

GROUP = "AWS::ElastiCache::ReplicationGroup"


class Deployed:
    """The data stack as CloudFormation has it, which no file in this checkout can contradict."""

    def __init__(self, client: Callable[[str], Any], stack: str) -> None:
        """``client`` makes a boto3 client of a service. Raises Answer in a bad moment."""
        cloudformation = client("cloudformation")
        try:
            (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except cloudformation.exceptions.ClientError as problem:
            if problem.response["Error"]["Code"] != "ValidationError":
                raise
            raise Answer(
                f"restore: there is no stack {stack}, and a group needs its key, token and "
                "network. Deploy the environment first: the snapshot is still there afterwards."
            ) from None
        if not found["StackStatus"].endswith("_COMPLETE"):
            raise Answer(
                f"restore: {stack} is {found['StackStatus']}, and two hands on one group could "
                "lose it. Wait until CloudFormation has finished."
            )
        body = cloudformation.get_template(StackName=stack)["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        self._resources: Mapping[str, Any] = template["Resources"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        self._physical = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource.get("PhysicalResourceId")
        }

    def group(self) -> dict[str, Any]:
        """The group's properties, as CreateReplicationGroup takes them.

        Raises Answer for a group without a user group, which a snapshot does not carry:
        anybody who reaches the restored one could log in.
        """
        wanted = {name: self._plain(value) for name, value in self._wanted().items()}
        if not wanted.get("UserGroupIds"):
            raise Answer(
                "restore: the deployed group has no UserGroupIds, and would be restored without a "
                "login. Restore it by hand, with the AUTH token that its clients use."
            )
        return wanted

    def made(self, name: str) -> bool:
        """Whether a resource of the stack has this name in AWS."""
        return name in self._physical.values()

    def _wanted(self) -> Mapping[str, Any]:
        for each in self._resources.values():
            if each["Type"] == GROUP:
                wanted: Mapping[str, Any] = each["Properties"]
                return wanted
        raise Answer(
            "restore: the deployed stack makes no group: it is somebody else's "
            "(docs/start/adoption.md). Its owner restores it, from a snapshot and with the user "
            "group that it has now."
        )

    def _plain(self, value: Any) -> Any:
        """A template's value with what it refers to. Raises Answer for what is not known."""
        match value:
            case {"Ref": str(name)} if name in self._physical and len(value) == 1:
                return self._physical[name]
            case {"Fn::GetAtt": [str(name), "GroupId"]} if self._is_security_group(name):
                return self._physical[name]
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(str(self._plain(part)) for part in parts)
            case dict() if any(name == "Ref" or name.startswith("Fn::") for name in value):
                raise Answer(
                    f"restore: the deployed group says {value}, which this command cannot read. "
                    "Teach it to tools/restore/deployed.py, or restore by hand."
                )
            case dict():
                return {name: self._plain(part) for name, part in value.items()}
            case list():
                return [self._plain(part) for part in value]
        return value

    def _is_security_group(self, name: str) -> bool:
        found = self._resources.get(name, {})
        return found.get("Type") == "AWS::EC2::SecurityGroup" and name in self._physical
