"""Reading addresses as servers and proxies write them, and which of them share one limit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple

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


class Addresses:
    """Reads addresses. ``trusted`` are addresses and networks; ``ipv6_prefix`` is in bits.

    Raises ValueError for what is no network, and for one that is everybody's.
    """

    def __init__(self, trusted: Iterable[str], ipv6_prefix: int) -> None:
        if not 32 <= ipv6_prefix <= 128:
            raise ValueError(
                f"{ipv6_prefix} bits of an IPv6 address: write 32 to 128. 64, the default, is the "
                "network that one host commonly has for itself"
            )
        self._networks = tuple(_network(text) for text in trusted)
        self._host_bits = 128 - ipv6_prefix
        self._suffix = "" if ipv6_prefix == 128 else f"/{ipv6_prefix}"
        self._read = lru_cache(_MOST_KEPT)(self._look_up)

    def read(self, text: str) -> Known | None:
        """The address, or None if the text is none. Takes ``a.b.c.d:port`` and ``[v6]:port``."""
        return self._read(text) if len(text) <= _LONGEST else None

    def _look_up(self, text: str) -> Known | None:
        address = _parse(text)
        if address is None:
            return None
        trusted = any(address in network for network in self._networks)
        return Known(self._limited_as(address), trusted, address.is_private)

    def _limited_as(self, address: IPv4Address | IPv6Address) -> str:
        if isinstance(address, IPv4Address):
            return str(address)
        first = int(address) >> self._host_bits << self._host_bits
        return f"{IPv6Address(first)}{self._suffix}"


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
