"""Who could even try: addresses, listening sockets, security groups, routes."""

import ipaddress
import socket
from contextlib import suppress

import psutil

from rehearsal.common import checks
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.security.target import BreachError, NotHereError, Target


def listening(process: int) -> dict[tuple[str, int], int]:
    """Address and port -> process id, of a process and of all that it started."""
    root = psutil.Process(process)
    found: dict[tuple[str, int], int] = {}
    for one in (root, *root.children(recursive=True)):
        with suppress(psutil.Error):  # it may have ended
            for each in one.net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN:
                    found[each.laddr.ip, each.laddr.port] = one.pid
    return found


def private(target: Target) -> str:
    """Every address that the names resolve to is private: nothing on the internet reaches it."""
    found: dict[str, None] = {}
    for host, port in target.addresses:
        for *_, at in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            found[str(at[0])] = None
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if address.is_global:
            raise BreachError(f"{text} is a public address")
    return f"{', '.join(found)}"


def loopback(target: Target) -> str:
    """All that our processes listen on is loopback."""
    if target.processes is None:
        raise NotHereError("the servers run on other machines")
    sockets = listening(target.processes)
    for (address, port), pid in sockets.items():
        if not ipaddress.ip_address(address).is_loopback:
            raise BreachError(f"process {pid} listens on {address} port {port}")
    missing = [one for one in target.addresses if one not in sockets]
    if missing:
        raise BreachError(f"no process of ours listens on {missing[0]}, which answers nevertheless")
    return f"{len(sockets)} listening sockets of our processes, each on loopback"


def network(target: Target) -> str:
    """The group is in private subnets without a way in, and its rules name security groups."""
    if target.rehearsal is None:
        raise NotHereError("it takes the AWS API; make rehearse and cdk diff show the rules")
    rules = checks.check_access(target.rehearsal)
    group = only(target.rehearsal, "AWS::ElastiCache::SubnetGroup").physical_id
    return f"{rules}; {routes(target.rehearsal, group)}"


def routes(rehearsal: Rehearsal, group: str) -> str:
    """No subnet of this subnet group has a route to an internet gateway. Raises BreachError."""
    answer = rehearsal.aws("elasticache").describe_cache_subnet_groups(CacheSubnetGroupName=group)
    subnets = [each["SubnetIdentifier"] for each in answer["CacheSubnetGroups"][0]["Subnets"]]
    for subnet in subnets:
        tables = rehearsal.aws("ec2").describe_route_tables(
            Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
        )["RouteTables"]
        if not tables:
            raise BreachError(f"no route table is written down for {subnet}")
        for table in tables:
            for route in table["Routes"]:
                if str(route.get("GatewayId", "")).startswith("igw-"):
                    raise BreachError(f"{subnet} of {group} has a route to the internet's gateway")
    return f"{len(subnets)} subnets, none with an internet gateway"
