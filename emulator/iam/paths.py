"""Can a function reach that? Security groups, subnets, endpoints and NAT, one after the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from aws_rules.problem import CannotBeJudged
from emulator.iam.endpoint_names import regional
from emulator.iam.network import ANYWHERE, Endpoint, Network, Rule, Subnet

HTTPS = 443

# Where the name of a service's endpoint is not the prefix of its actions.
_ENDPOINT_NAMES = {"cloudwatch": "monitoring"}


@dataclass(frozen=True)
class Place:
    """Where something stands in a VPC: the ids of its security groups and subnets.

    `addresses` are the hosts by which it calls services; it calls all others by their own names.
    """

    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    addresses: Mapping[str, str] = field(default_factory=dict)


class Paths:
    """The ways through one network."""

    def __init__(self, network: Network, region: str) -> None:
        self._network = network
        self._region = region

    def endpoint(self, place: Place, service: str) -> Endpoint | None:
        """The endpoint that a service's calls take: the one whose name they use.

        By the service's public name that is one with private DNS, which takes the name over for
        everybody in the VPC. A gateway endpoint counts when every one of the place's route tables
        leads to it.
        """
        name = _ENDPOINT_NAMES.get(service, service)
        subnets = self._subnets(place.subnets)
        there = [
            endpoint
            for endpoint in self._network.endpoints
            if endpoint.service == name and endpoint.vpc == self._vpc(place)
        ]
        address = place.addresses.get(service)
        if address:
            return next((one for one in there if address in one.own_names), None)
        for endpoint in there:
            if not endpoint.gateway and endpoint.private_dns:
                return endpoint
        for endpoint in there:
            if endpoint.gateway and {s.route_table for s in subnets} <= set(endpoint.route_tables):
                return endpoint
        return None

    def obstacle_to_service(self, place: Place, service: str) -> str | None:
        """What keeps a function from a service's API, and what to add; None when nothing does."""
        endpoint = self.endpoint(place, service)
        address = place.addresses.get(service)
        if address and endpoint is None:
            return f"its environment names {address}, which is no endpoint of {self._vpc(place)}"
        if address and endpoint and address != regional(endpoint.own_names):
            return (
                f"its environment names {address}, which is lost with its zone; name "
                f"{endpoint.name} as a whole: {regional(endpoint.own_names)}"
            )
        if endpoint is not None and not endpoint.gateway:
            target = Place(endpoint.groups, endpoint.subnets)
            return self.obstacle_between(place, target, HTTPS, endpoint.name)
        name = f"com.amazonaws.{self._region}.{_ENDPOINT_NAMES.get(service, service)}"
        if endpoint is None and not all(s.internet for s in self._subnets(place.subnets)):
            return (
                f"its subnets have no way out and {self._vpc(place)} has no endpoint for {name}; "
                "add an interface endpoint whose security group lets the function in on port "
                f"{HTTPS} to the stack of that VPC, and its name to the function's environment"
            )
        if not any(rule.peer == ANYWHERE for rule in self._egress(place, HTTPS)):
            return self._no_egress(place, HTTPS, f"{name} at its public addresses ({ANYWHERE})")
        return None

    def obstacle_between(self, place: Place, target: Place, port: int, name: str) -> str | None:
        """What keeps a function from `target`, which a finding calls `name`; None when nothing."""
        here, there = self._vpc(place), self._vpc(target)
        if here != there:
            return f"it is in {here} and {name} is in {there}; put both into one VPC"
        if not _any_leads_to(target, self._egress(place, port), self._subnets(target.subnets)):
            return self._no_egress(place, port, name)
        if not _any_leads_to(place, self._ingress(target, port), self._subnets(place.subnets)):
            return (
                f"security group {self._names(target.groups)} of {name} has no ingress rule for "
                f"port {port} from security group {self._names(place.groups)}; add an "
                "AWS::EC2::SecurityGroupIngress for it"
            )
        return None

    def _no_egress(self, place: Place, port: int, name: str) -> str:
        return (
            f"its security group {self._names(place.groups)} has no egress rule for port {port} "
            f"to {name}; add an AWS::EC2::SecurityGroupEgress for it"
        )

    def _egress(self, place: Place, port: int) -> list[Rule]:
        groups = [self._network.groups[g] for g in place.groups if g in self._network.groups]
        return [r for group in groups for r in group.egress if r.low <= port <= r.high]

    def _ingress(self, place: Place, port: int) -> list[Rule]:
        groups = [self._network.groups[g] for g in place.groups if g in self._network.groups]
        return [r for group in groups for r in group.ingress if r.low <= port <= r.high]

    def _subnets(self, ids: Iterable[str]) -> list[Subnet]:
        found: list[Subnet] = []
        for name in ids:
            subnet = self._network.subnets.get(name)
            if subnet is None:
                raise CannotBeJudged(f"neither a template nor cdk.context.json has subnet {name}")
            if subnet.has_acl:
                raise CannotBeJudged(f"subnet {name} has a network ACL: not modelled")
            found.append(subnet)
        return found

    def _vpc(self, place: Place) -> str:
        vpcs = {subnet.vpc for subnet in self._subnets(place.subnets)}
        if len(vpcs) != 1:
            raise CannotBeJudged(f"the subnets {', '.join(place.subnets)} are not of one VPC")
        return vpcs.pop()

    def _names(self, groups: Iterable[str]) -> str:
        known = self._network.groups
        names = (known[g].name if g in known else f"{g}, of no template" for g in groups)
        return " and ".join(names) or "(none)"


def _any_leads_to(place: Place, rules: Iterable[Rule], subnets: list[Subnet]) -> bool:
    """Whether a rule names one of the place's groups, or a range with all of its subnets in it."""
    return any(rule.peer in place.groups or _covers(rule.peer, subnets) for rule in rules)


def _covers(peer: str, subnets: list[Subnet]) -> bool:
    if "/" not in peer or ":" in peer:
        return False
    return all(IPv4Network(s.cidr).subnet_of(IPv4Network(peer)) for s in subnets)
