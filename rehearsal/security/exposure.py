"""Who can reach a node, and how: addresses, sockets, security groups, routes, TLS 1.2 or later."""

import ipaddress
import socket
import ssl
import warnings
from contextlib import suppress

import psutil

from rehearsal.common import checks
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.security.target import PATIENCE, Address, BreachError, NotHereError, Target, packed


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


# OpenSSL 3 knows no SSL 3, and offers no RC4, DES and export ciphers: it cannot ask for those.
_OLD_VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
_WEAK = {"NULL": "eNULL", "anonymous": "aNULL"}
_REPLIES = b"+-:$*%_"  # the first byte of everything that Redis says


def accepts(address: Address, version: ssl.TLSVersion, ciphers: str) -> bool:
    """Whether the server goes on with this version and one of these ciphers.

    Raises OSError when no server listens.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore"):  # old versions are meant
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with socket.create_connection(address, timeout=PATIENCE) as plain:
        try:
            context.wrap_socket(plain).close()
        except (ssl.SSLError, ConnectionResetError):
            return False
    return True


def plain_text(target: Target) -> str:
    """No address says anything in Redis' protocol to a client without TLS."""
    for address in target.addresses:
        for command in (b"PING\r\n", packed("PING"), packed("INFO")):
            answer = _said(address, command)
            if answer[:1] and answer[:1] in _REPLIES:
                raise BreachError(f"{address} answers without TLS: {answer[:40]!r}")
    return f"PING and INFO without TLS at {len(target.addresses)} addresses: no answer of Redis'"


def versions(target: Target) -> str:
    """TLS 1.0 and 1.1 are refused by the server itself."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, version in _OLD_VERSIONS.items():
            if accepts(address, version, "ALL"):
                raise BreachError(f"{address} goes on with {name}")
    return f"{', '.join(_OLD_VERSIONS)} at {len(target.addresses)} addresses; TLS 1.2 goes on"


def ciphers(target: Target) -> str:
    """A client that offers nothing but weak ciphers is refused."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, suites in _WEAK.items():
            if accepts(address, ssl.TLSVersion.TLSv1_2, suites):
                raise BreachError(f"{address} goes on with a cipher of the kind {name}")
    return f"{', '.join(_WEAK)} at {len(target.addresses)} addresses; AES goes on"


def _said(address: Address, command: bytes) -> bytes:
    with socket.create_connection(address, timeout=PATIENCE) as plain:
        try:
            plain.sendall(command)
            return plain.recv(4096)
        except OSError:
            return b""


def _expect_tls_1_2(address: Address) -> None:
    if not accepts(address, ssl.TLSVersion.TLSv1_2, "AES"):
        # Then a refusal of the others would prove nothing: this one has the same form.
        raise NotHereError(f"{address} takes no TLS 1.2 either")
