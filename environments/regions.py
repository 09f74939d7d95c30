"""The Regions of AWS's public partition: which zones and node types each has.

GovCloud and China are left out: Chatbot, and the list prices here, are not for them. In China the
names of endpoint services begin with ``cn.com.amazonaws``, which no construct here writes.
Tests hold the Regions against botocore's list, and zones and families of nodes against what
cfn-lint takes from AWS's price list (cachenodetype_enum.json) and from its own (helpers.py).
"""

from typing import Final

# Families of current nodes that are not sold, and where.
_NOT_SOLD = (
    (
        "m4 r4 r6gd c7gn",
        "af-south-1 ap-east-1 ap-south-2 ap-southeast-3 ap-southeast-4 eu-central-2 eu-south-2",
    ),
    ("m4 m5 m8g r4 r5 r6gd r8g c7gn c8gn", "ap-east-2"),
    (
        "c7gn",
        "ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 "
        "sa-east-1 us-west-1",
    ),
    ("r6gd c7gn", "ap-northeast-2 eu-west-2"),
    ("m4 r6gd c7gn c8gn", "ap-northeast-3"),
    ("m4 m5 r4 r5 r6gd c7gn", "ap-southeast-5 ap-southeast-7"),
    ("t3 m4 m5 m8g r4 r5 r6gd c7gn c8gn", "ap-southeast-6"),
    ("m4 m7g r4 r6gd c7gn", "ca-west-1 eu-south-1"),
    ("m4 r4 c7gn", "eu-north-1"),
    ("", "eu-west-1 us-east-1 us-east-2 us-west-2"),
    ("m4 c7gn c8gn", "eu-west-3"),
    ("m4 m8g r4 r6gd r8g c7gn c8gn", "il-central-1"),
    ("t4g m4 m8g r4 r6gd r8g c7gn c8gn", "me-central-1 me-south-1"),
    ("m4 m5 m8g r4 r5 r6gd c7gn c8gn", "mx-central-1"),
)

NOT_SOLD: Final = {
    region: frozenset(families.split())
    for families, regions in _NOT_SOLD
    for region in regions.split()
}
"""By Region, the families of node types that ElastiCache does not sell there."""

REGIONS: Final = frozenset(NOT_SOLD)

_MORE_ZONES = {
    "us-east-1": "f",
    **dict.fromkeys(("ap-northeast-1", "ap-northeast-2", "ca-central-1", "us-west-2"), "d"),
}


def zones(region: str) -> tuple[str, ...]:
    """Every zone that an account may have in a Region; which letters it has differs by account."""
    last = _MORE_ZONES.get(region, "c")
    return tuple(f"{region}{letter}" for letter in "abcdef"[: ord(last) - ord("a") + 1])
