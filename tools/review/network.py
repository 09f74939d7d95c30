"""Network access that a change opens, or closes to those who come in today."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from tools.review.access import added
from tools.review.difference import ResourceChange
from tools.review.estate import Address, Estate, Resource
from tools.review.findings import Finding, What
from tools.review.schemas import scrutinised
from tools.review.showing import short
from tools.review.values import number, references

GROUP = "AWS::EC2::SecurityGroup"
ENDPOINT = "AWS::EC2::VPCEndpoint"
IN, OUT = "in", "out"
ANYWHERE = ("0.0.0.0/0", "::/0")
_DIRECTIONS = {
    "IngressRules": IN,
    "IngressRuleResource": IN,
    "EgressRules": OUT,
    "EgressRuleResource": OUT,
}
_PEERS = [
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "SourcePrefixListId",
    "DestinationSecurityGroupId",
    "DestinationPrefixListId",
]
# What makes a network or a function reachable from anywhere by being there.
_PUBLIC = {
    "AWS::EC2::InternetGateway": "A way from the internet into the network.",
    "AWS::EC2::EIP": "A public address.",
    "AWS::Lambda::Url": "A function gets an address on the internet.",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "A load balancer, which may face the internet.",
    "AWS::EC2::VPCPeeringConnection": "Another network can be reached, and reaches this one.",
}


@dataclass(frozen=True)
class Rule:
    """Who may come in, or where one may go out, on which ports."""

    way: str
    protocol: str
    low: float
    high: float
    peer: str

    @property
    def is_range(self) -> bool:
        """Whether it is about addresses, not about the members of a group."""
        return "/" in self.peer and not self.peer.startswith("${")

    def covers(self, other: "Rule") -> bool:
        """Whether this one alone lets through all that ``other`` does."""
        return (
            self.way == other.way
            and self.protocol in ("-1", other.protocol)
            and (self.protocol == "-1" or (self.low <= other.low and other.high <= self.high))
            and _holds(self.peer, other.peer)
        )

    def __str__(self) -> str:
        """One line for people."""
        ports = "every port" if self.protocol == "-1" else f"{self.protocol} {self.low:g}"
        ports += f"-{self.high:g}" if self.protocol != "-1" and self.high != self.low else ""
        return f"{self.way} {'from' if self.way == IN else 'to'} {short(self.peer)}, {ports}"


def network_findings(
    base: Estate, head: Estate, changes: Iterable[ResourceChange]
) -> Iterator[Finding]:
    """Rules that are new or wider, rules that go, groups attached, and ways from the internet.

    And endpoints that take a service's public name over in a network that is there.
    """
    before, after = _rules(base), _rules(head)
    for place in sorted(after.keys() | before.keys()):
        opened = _beyond(after.get(place, []), before.get(place, []))
        new = place in head.resources and place not in base.resources
        stop = [one for one in opened if _stops(one, new=new)]
        if stop:
            yield _opened(place, stop, refused=True)
        if told := [one for one in opened if one not in stop]:
            yield _opened(place, told, refused=False)
        closed = [
            one for one in _beyond(before.get(place, []), after.get(place, [])) if one.way == IN
        ]
        if closed and place in base.foundations and place in head.resources:
            effect = "Clients that come in by that are cut off."
            lines = tuple(f"no longer: {one}" for one in closed)
            yield Finding(What.INTERRUPT, *place, GROUP, lines, effect, lines)
    yield from _attached(changes)
    yield from _names_taken(base, head)
    for change in added(changes, _PUBLIC):
        yield Finding(
            What.WIDEN, *change.address, change.kind, ("it is new",), _PUBLIC[change.kind]
        )


def _names_taken(base: Estate, head: Estate) -> Iterator[Finding]:
    for address, endpoint in head.resources.items():
        vpcs = {Address(*one) for one in references(endpoint.properties.get("VpcId"))}
        new = bool(vpcs) and vpcs <= head.resources.keys() - base.resources.keys()
        before = base.resources.get(address)
        if _takes_a_name(endpoint) and not new and not (before and _takes_a_name(before)):
            effect = (
                "Its service's public name leads everybody in the VPC to it: whoever its security "
                "group does not admit loses the service."
            )
            lines = (f"private DNS for {endpoint.properties.get('ServiceName')}",)
            yield Finding(What.INTERRUPT, *address, ENDPOINT, lines, effect, endpoint.properties)


def _takes_a_name(resource: Resource) -> bool:
    """Where nothing is said CloudFormation's schema and EC2's users differ: it counts as on."""
    return (
        resource.kind == ENDPOINT
        and resource.properties.get("VpcEndpointType") == "Interface"
        and resource.properties.get("PrivateDnsEnabled") != "false"
    )


def _stops(rule: Rule, *, new: bool) -> bool:
    """Whether a rule that is opened needs an acknowledgement; between what is new it does not."""
    if rule.peer in ANYWHERE:
        return True
    return not new and (rule.way == IN or rule.is_range)


def _opened(place: Address, rules: list[Rule], *, refused: bool) -> Finding:
    lines = tuple(str(rule) for rule in rules)
    everybody = any(rule.peer in ANYWHERE for rule in rules)
    effect = "Open to every address." if everybody else "Who was kept out can connect."
    if not refused:
        effect = "Between what is new, or on the way out."
    return Finding(What.WIDEN, *place, GROUP, lines, effect, lines, refused)


def _attached(changes: Iterable[ResourceChange]) -> Iterator[Finding]:
    """A group more on what is there: its rules let others in, and let it into other places."""
    for change in changes:
        for one in change.properties:
            if one.path.endswith(("SecurityGroupIds", "SecurityGroups")):
                before = one.before if isinstance(one.before, list) else []
                after = one.after if isinstance(one.after, list) else [one.after]
                more = [short(str(group)) for group in after if group and group not in before]
                if more:
                    effect = "The rules of that group hold for it too."
                    lines = (f"{one.path} gains {', '.join(more)}",)
                    yield Finding(What.WIDEN, *change.address, change.kind, lines, effect, more)


def _rules(estate: Estate) -> Mapping[Address, list[Rule]]:
    """Each group's rules; a group of another owner stands under the stack that opens it."""
    found: dict[Address, list[Rule]] = defaultdict(list)
    for resource in estate.resources.values():
        for name, sort in scrutinised(resource.kind).items():
            if way := _DIRECTIONS.get(sort):
                group = _group(resource) if name == "" else resource.address
                bodies = [resource.properties] if name == "" else resource.properties.get(name)
                found[group] += [_rule(way, body) for body in _listed(bodies)]
                if way == OUT and name and bodies is None:  # EC2 then lets everything out
                    found[group].append(Rule(OUT, "-1", 0, 65535, ANYWHERE[0]))
    return found


def _group(resource: Resource) -> Address:
    named = resource.properties.get("GroupId") or resource.properties.get("GroupName", "")
    for place in references(named):
        return Address(*place)
    return Address(resource.address.stack, str(named))


def _rule(way: str, body: Any) -> Rule:
    if not isinstance(body, dict):
        return Rule(way, "-1", 0, 65535, str(body))
    protocol = str(body.get("IpProtocol", "-1"))
    low, high = number(body.get("FromPort")), number(body.get("ToPort"))
    peer = next((str(body[name]) for name in _PEERS if name in body), "")
    owner = body.get("SourceSecurityGroupOwnerId")
    return Rule(
        way,
        protocol,
        0 if low is None else low,
        65535 if high is None else high,
        f"{peer} of {owner}" if owner else peer,
    )


def _beyond(wanted: list[Rule], present: list[Rule]) -> list[Rule]:
    return [one for one in dict.fromkeys(wanted) if not any(rule.covers(one) for rule in present)]


def _holds(peer: str, other: str) -> bool:
    if peer == other:
        return True
    try:
        outer, inner = ip_network(peer), ip_network(other)
    except ValueError:
        return False
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
