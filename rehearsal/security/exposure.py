"""Who could even try: addresses, listening sockets, security groups, routes."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from rehearsal.common import checks
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.security.target import BreachError, NotHereError, Target

_LISTENS = "0A"
_PROC = Path("/proc")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def listening(process: int) -> dict[tuple[IpAddress, int], int]:
    """Address and port -> process id, of a process and of all that it started."""
    found: dict[tuple[IpAddress, int], int] = {}
    tables: dict[str, dict[str, tuple[IpAddress, int]]] = {}
    root = psutil.Process(process)
    for pid in (process, *(child.pid for child in root.children(recursive=True))):
        with suppress(OSError):
            # A process may have network interfaces of its own: each namespace has its tables.
            namespace = str((_PROC / str(pid) / "ns" / "net").readlink())
            if namespace not in tables:
                tables[namespace] = {
                    inode: at for name in ("tcp", "tcp6") for inode, at in _table(pid, name)
                }
            for inode in _sockets(pid):
                if inode in tables[namespace]:
                    found[tables[namespace][inode]] = pid
    return found


def _table(pid: int, name: str) -> Iterator[tuple[str, tuple[IpAddress, int]]]:
    for line in (_PROC / str(pid) / "net" / name).read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENS:
            address, port = fields[1].split(":")
            yield fields[9], (_address(address), int(port, 16))


def _address(digits: str) -> IpAddress:
    # Words of four bytes, each as a little-endian machine holds it.
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    return ipaddress.ip_address(b"".join(words))


def _sockets(pid: int) -> Iterator[str]:
    for file in (_PROC / str(pid) / "fd").iterdir():
        with suppress(OSError):  # it may be closed by now
            kind, _, inode = str(file.readlink()).partition(":[")
            if kind == "socket":
                yield inode.rstrip("]")


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
        if not address.is_loopback:
            raise BreachError(f"process {pid} listens on {address} port {port}")
    at = {(str(address), port) for address, port in sockets}
    missing = [one for one in target.addresses if one not in at]
    if missing:
        raise BreachError(f"nobody of ours listens on {missing[0]}, which answers all the same")
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
