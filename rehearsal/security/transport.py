"""TLS on every connection, 1.2 or later, with ciphers that hold."""

from __future__ import annotations

import socket

from rehearsal.security.hello import SSL_3, TLS_1_0, TLS_1_1, TLS_1_2, accepts
from rehearsal.security.outcome import BreachError, NotHereError
from rehearsal.security.target import Address, Target
from rehearsal.security.wire import PATIENCE, packed

# ECDHE and RSA with AES, for certificates of both kinds: every server that speaks TLS has one.
_STRONG = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xC009, 0xC013, 0x009C, 0x002F)
# What servers had in the days of TLS 1.1 and before.
_OLD = (0xC009, 0xC00A, 0xC013, 0xC014, 0x0033, 0x0039, 0x002F, 0x0035, 0x000A, 0x0005)
_OLD_VERSIONS = {"SSL 3": SSL_3, "TLS 1.0": TLS_1_0, "TLS 1.1": TLS_1_1}
# The IANA registry of TLS cipher suites; RFC 7465 and 8996, and RFC 9325 section 4.1.
_WEAK = {
    "NULL": (0x0001, 0x0002, 0x003B, 0xC006, 0xC010, 0xC015),
    "anonymous": (0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0xC018, 0xC019),
    "RC4": (0x0004, 0x0005, 0x0018, 0xC007, 0xC011, 0xC016),
    "3DES and DES": (0x0009, 0x000A, 0x0015, 0x0016, 0xC008, 0xC012, 0xC017),
    "export": (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019),
}
_REPLIES = b"+-:$*%_"  # the first byte of everything that Redis says


def plain_text(target: Target) -> str:
    """No address says anything in Redis' protocol to a client that speaks without TLS."""
    for address in target.addresses:
        for command in (b"PING\r\n", packed("PING"), packed("INFO")):
            answer = _said(address, command)
            if answer[:1] and answer[:1] in _REPLIES:
                raise BreachError(f"{address} answers without TLS: {answer[:40]!r}")
    return f"PING and INFO without TLS at {len(target.addresses)} addresses: no answer of Redis'"


def versions(target: Target) -> str:
    """The first message of SSL 3, TLS 1.0 and 1.1 is refused by the server itself."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, version in _OLD_VERSIONS.items():
            if accepts(address, version, _OLD):
                raise BreachError(f"{address} goes on with {name}")
    return f"{', '.join(_OLD_VERSIONS)} at {len(target.addresses)} addresses; TLS 1.2 goes on"


def ciphers(target: Target) -> str:
    """A client that offers nothing but weak ciphers is refused."""
    for address in target.addresses:
        _expect_tls_1_2(address)
        for name, suites in _WEAK.items():
            if accepts(address, TLS_1_2, suites):
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
    if not accepts(address, TLS_1_2, _STRONG):
        # Then a refusal of the others would prove nothing: this one has the same form.
        raise NotHereError(f"{address} takes no TLS 1.2 either")
