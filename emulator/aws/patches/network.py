"""EC2: how security groups are found."""
# ruff: noqa: SLF001 - another package's private names are its matter

import fnmatch
from typing import Any

from ministack.services import ec2  # type: ignore[import-not-found]


def install() -> None:
    """A filter takes * in a group's name, as EC2's do: ministack compares it as it stands."""
    parse = ec2._parse_filters

    def filters(params: Any) -> Any:
        found = parse(params)
        for pattern in found.get("group-name", []):
            names = [group["GroupName"] for group in ec2._security_groups.values()]
            found["group-name"] = [*found["group-name"], *fnmatch.filter(names, pattern)]
        return found

    ec2._parse_filters = filters
