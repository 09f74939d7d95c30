"""Which client sent a request: what no client can choose.

The peer of the connection is the client, unless it is a trusted proxy: then it is the last address
that the proxy wrote into X-Forwarded-For, and so on from right to left. Entries further left are
not trusted. ``Forwarded`` (RFC 7239) is not read: AWS's load balancers and CloudFront do not write
it, and a client could forge it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

UNIX = "unix"
_LONGEST = 64  # an IPv6 address in brackets, with a zone and a port, is shorter
_MOST_KEPT = 8192
# RFC 6052: an IPv4 client behind a translator. All of them are in one /64.
_NAT64 = IPv6Network("64:ff9b::/96")


class Known(NamedTuple):
    """An address: what it is limited as, and whose it is."""

    limited_as: str
    is_trusted: bool
    is_private: bool


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    port = ""
    if text.startswith("["):
        text, _, port = text[1:].partition("]")
        port = port or ":0"
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        port = ":" + port
    if port and not (port[0] == ":" and port[1:].isdecimal()):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
    return address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as problem:
        raise ValueError(
            f"{text!r} is no trusted proxy: {problem}. Write an address or a network as "
            "10.0.0.0/16, or 'unix' for a proxy on a Unix socket"
        ) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:  # as addresses are read
            network = IPv4Network((mapped, network.prefixlen - 96))
    if not network.prefixlen:
        raise ValueError(
            f"{text!r} trusts everybody: any client could choose the address that it is limited "
            "by. Write the network of the proxies"
        )
    return network


_log = logging.getLogger("vibewell_redis")

# Each is logged once: a wrong set-up shows, and a flood does not fill the log.
_DISBELIEVED = (
    "X-Forwarded-For from %s is not believed, and all its requests are limited as one client: if "
    "it is a proxy of yours, name it among the trusted proxies"
)
_SILENT = (
    "the trusted proxy %s names no client in X-Forwarded-For: all that it passes on like this is "
    "limited as one client"
)


class UnknownClientError(RuntimeError):
    """It is not known whose request it is: a mistake of set-up, or all would share one limit."""


class ClientAddress:
    """What the client of a request is limited as: an IPv4 address, or the IPv6 network of a host.

    ``trusted_proxies`` are addresses and networks, as ``10.0.0.0/16``, and ``unix`` for a proxy on
    a Unix socket; IPv6 clients are limited by their first ``ipv6_prefix`` bits. Raises ValueError
    for what is no network, and for one that is everybody's.
    """

    def __init__(self, trusted_proxies: Iterable[str] = (), *, ipv6_prefix: int = 64) -> None:
        if not 32 <= ipv6_prefix <= 128:
            raise ValueError(
                f"{ipv6_prefix} bits of an IPv6 address: write 32 to 128. 64, the default, is the "
                "network that one host commonly has for itself"
            )
        proxies = [text.strip() for text in trusted_proxies]
        self._trusts_unix = UNIX in proxies
        self._networks = tuple(_network(text) for text in proxies if text != UNIX)
        self._ipv6_prefix = ipv6_prefix
        self._read = lru_cache(_MOST_KEPT)(self._look_up)
        self._warned: set[str] = set()

    def __call__(self, scope: Mapping[str, Any]) -> str:
        """The client of an ASGI request. Raises UnknownClientError."""
        peer, headers = scope.get("client"), scope["headers"]
        lines = (text.decode("latin-1") for name, text in headers if name == b"x-forwarded-for")
        return self.of(peer[0] if peer else None, lines)

    def of(self, peer: str | None, forwarded_for: Iterable[str] = ()) -> str:
        """The client of a connection's peer and of every X-Forwarded-For line, in order.

        A trusted proxy that names no client is itself the client. An entry that is no address ends
        the walk at the proxy that passed it on. Raises UnknownClientError.
        """
        client = self._read(peer[: _LONGEST + 1]) if peer else None
        if client is None and not self._trusts_unix:
            raise UnknownClientError(
                f"the server names {peer!r} as the request's client, which is no address. Behind "
                f"a Unix socket write {UNIX!r} among the trusted proxies; a test client must be "
                "given an address, as 127.0.0.1"
            )
        if client is not None and not client.is_trusted:
            # A load balancer that is not named makes all clients share its limit, and looks like a
            # peer in a private network that passes requests on.
            if client.is_private and _DISBELIEVED not in self._warned and any(forwarded_for):
                self._warn_once(_DISBELIEVED, client)
            return client.limited_as
        for hop in _nearest_first(forwarded_for):
            known = self._read(hop[: _LONGEST + 1])
            if known is None:
                break
            client = known
            if not known.is_trusted:
                return known.limited_as
        if client is None:
            raise UnknownClientError(
                "the proxy on the Unix socket names no client: have it write X-Forwarded-For, in "
                "nginx with proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for"
            )
        self._warn_once(_SILENT, client)
        return client.limited_as

    def _look_up(self, text: str) -> Known | None:
        """The address, or None if the text is none. Takes ``a.b.c.d:port`` and ``[v6]:port``."""
        address = _parse(text) if len(text) <= _LONGEST else None
        if address is None:
            return None
        trusted = any(address in network for network in self._networks)
        limited_as = str(address)
        if isinstance(address, IPv6Address) and self._ipv6_prefix < 128:
            limited_as = str(ip_network((int(address), self._ipv6_prefix), strict=False))
        elif isinstance(address, IPv6Address):
            limited_as = str(IPv6Address(int(address)))  # without its zone
        return Known(limited_as, trusted, address.is_private)

    def _warn_once(self, message: str, about: Known) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _log.warning(message, about.limited_as)


def _nearest_first(lines: Iterable[str]) -> Iterator[str]:
    for line in reversed(list(lines)):
        for hop in reversed(line.split(",")):
            yield hop.strip()
