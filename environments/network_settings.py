"""Where the group lives: an existing VPC found by name, or one of its own."""

import re
from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from environments.section import EACH_ONCE, TEXT, Problems, Refusal, Section, matching, rule
from environments.tags import NAME_TAG

LONGEST_SECURITY_GROUP_NAME = 255
LONGEST_SUBNET_GROUP_NAME = 255
FEWEST_ZONES = 2

# What AWS takes, of RFC 1918, 6598 and 2544 (VPC user guide, "IPv4 VPC CIDR blocks").
_PRIVATE = tuple(
    map(
        IPv4Network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"),
    )
)
_SMALLEST_SUBNET = 28  # the prefix of the same page's smallest

_SUBNET_GROUP_NAME = matching(
    rf"(?!default$)[a-z][a-z0-9-]{{0,{LONGEST_SUBNET_GROUP_NAME - 1}}}",
    f"subnet group name {{}} is taken, malformed or over {LONGEST_SUBNET_GROUP_NAME} characters",
    "ElastiCache takes lower-case letters, digits and hyphens, stores names in lower case, and has "
    "a group called default itself",
    'Write for example "vibewell-production-private-subnets"',
)
_SECURITY_GROUP_NAME = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+")


def _cidr(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as problem:
        raise Refusal(
            f'cidr {text!r} is not a network. {problem!s}. Write for example "10.20.0.0/20".'
        ) from None
    if not 16 <= network.prefixlen <= 26 or not any(map(network.subnet_of, _PRIVATE)):
        raise Refusal(
            f"cidr {text!r} is not a private network between /16 and /26. A VPC takes /16 to /28, "
            "and two subnets of 16 addresses or more need a /26; AWS keeps 0, 127 and 169.254 for "
            "itself, and a public network would hide the real one. Write for example "
            '"10.20.0.0/20".'
        )
    return network


def _found_by_name(name: str) -> str:
    r"""EC2's filters read * and ? as patterns and \ as their escape.

    Source: EC2 user guide, "List and filter your resources", wildcards.
    """
    if re.fullmatch("(vpc|sg)-([0-9a-f]{8}|[0-9a-f]{17})", name):
        raise Refusal(
            f"{name!r} is an id. EC2 is asked for a name: the Name tag of a VPC, the name of a "
            'security group. Write the name, for example "vibewell-production".'
        )
    if set(name) & set("*?\\") or not name.isprintable():
        raise Refusal(
            f"{name!r} has a *, a ?, a backslash or a character that is not printed. EC2 looks the "
            "name up as a pattern, and another network than the one you mean could be found. "
            'Write the whole name, for example "vibewell-production".'
        )
    return name


def _name_of_a_new_group(name: str) -> str:
    if name.lower() == "default":
        raise Refusal(
            f"{name!r} is the name of a group that every VPC has. EC2 makes no second one of this "
            'name. Write for example "vibewell-redis-sg".'
        )
    if (
        len(name) > LONGEST_SECURITY_GROUP_NAME
        or not _SECURITY_GROUP_NAME.fullmatch(name)
        or name.startswith("sg-")
    ):
        raise Refusal(
            f"security group name {name!r} is malformed. EC2 takes up to "
            f"{LONGEST_SECURITY_GROUP_NAME} characters, none but English letters, digits, spaces "
            "and ._-:/()#,@[]+=&;{}!$*, and keeps the prefix sg- for ids. Write for example "
            '"vibewell-redis-sg".'
        )
    return name


NewGroupName = Annotated[str, AfterValidator(_name_of_a_new_group)]
LookedUp = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_found_by_name)]


class ExistingNetwork(Section):
    """A VPC and an application security group that are there already, found by their names.

    ``subnets`` is CDK's word: private subnets have a way out through NAT, isolated ones have none.
    """

    kind: Literal["existing"]
    vpc_name: LookedUp
    subnets: Literal["private", "isolated"]
    application_security_group_name: LookedUp


class OwnNetwork(Section):
    """A VPC of isolated subnets, without NAT, with the interface endpoints that are named."""

    kind: Literal["own"]
    vpc_name: str = Field(min_length=1, max_length=256, pattern=NAME_TAG)
    application_security_group_name: NewGroupName
    cidr: Annotated[IPv4Network, BeforeValidator(_cidr), TEXT]
    zones: Annotated[tuple[str, ...], Field(strict=False), EACH_ONCE]
    endpoints: Annotated[
        tuple[Literal["secretsmanager", "ssm"], ...], Field(strict=False), EACH_ONCE
    ]

    @field_validator("zones")
    @classmethod
    def _zones_are_two_or_more(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(zones)) < FEWEST_ZONES:
            raise Refusal(
                f"zones names {len(set(zones))}. A zone can be lost: the plan (§2.1) spreads the "
                "group over several, and a subnet group of one zone could not be widened without "
                'replacing the group. Write two or more, for example ["us-east-1a", "us-east-1b"].'
            )
        return zones

    @rule
    def _each_zone_has_a_subnet(self) -> Problems:
        # CDK divides the network into equal parts, whose number is a power of two.
        room = 2 ** (_SMALLEST_SUBNET - self.cidr.prefixlen)
        if len(self.zones) > room:
            yield (
                f"cidr: {self.cidr} has no room for {len(self.zones)} subnets. A subnet has 16 "
                f"addresses or more (/{_SMALLEST_SUBNET}). Write a larger network, or at most "
                f"{room} zones."
            )


class Network(Section):
    """The VPC, and the names of what we put into it."""

    vpc: Annotated[ExistingNetwork | OwnNetwork, Field(discriminator="kind")]
    subnet_group_name: Annotated[str, _SUBNET_GROUP_NAME]
    security_group_name: NewGroupName

    @model_validator(mode="after")
    def _redis_and_its_clients_have_groups_of_their_own(self) -> Self:
        application = self.vpc.application_security_group_name
        if self.security_group_name.lower() == application.lower():  # EC2 tells no capitals apart
            raise Refusal(
                "security_group_name and application_security_group_name are both "
                f"{application!r}. Redis would accept connections from itself instead of the "
                "application. Name the application's own group."
            )
        return self
