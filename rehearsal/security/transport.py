"""TLS on every connection, 1.2 or later, with ciphers that hold."""

import ipaddress
import os
import socket
import struct
from collections.abc import Sequence

from rehearsal.security.target import PATIENCE, Address, BreachError, NotHereError, Target, packed

_HANDSHAKE, _ALERT = 22, 21
_SERVER_HELLO = 2
_ANSWER = 6  # bytes: a record's header, and the message's type or the alert's level
_GROUPS = (29, 23, 24, 25)  # x25519, secp256r1, secp384r1, secp521r1
_SIGNATURES = (
    0x0403,
    0x0503,
    0x0603,
    0x0804,
    0x0805,
    0x0806,
    0x0401,
    0x0501,
    0x0601,
    0x0201,
    0x0203,
)

SSL_3, TLS_1_0, TLS_1_1, TLS_1_2 = 0x0300, 0x0301, 0x0302, 0x0303


def accepts(address: Address, version: int, suites: Sequence[int]) -> bool:
    """Whether the server would go on with this version at most and one of these cipher suites.

    Raises OSError when nobody listens, or when what answers is no TLS.
    """
    with socket.create_connection(address, timeout=PATIENCE) as plain:
        plain.sendall(_client_hello(address.host, version, suites))
        answer = b""
        while len(answer) < _ANSWER:
            try:
                data = plain.recv(_ANSWER - len(answer))
            except ConnectionResetError:
                return False
            if not data:
                break
            answer += data
    if not answer or answer[0] == _ALERT:
        return False
    if len(answer) < _ANSWER or answer[0] != _HANDSHAKE:
        raise ConnectionError(f"{address} answers a TLS handshake with something else")
    return answer[5] == _SERVER_HELLO


def _client_hello(host: str, version: int, suites: Sequence[int]) -> bytes:
    extensions = b"" if version == SSL_3 else _block(2, b"".join(_extensions(host)))
    body = (
        struct.pack(">H", version)
        + os.urandom(32)
        + _block(1, b"")  # no session to resume
        + _block(2, _numbers(suites))
        + _block(1, b"\0")  # no compression
        + extensions
    )
    message = b"\1" + _block(3, body)
    return struct.pack(">BH", _HANDSHAKE, min(version, TLS_1_0)) + _block(2, message)


def _extensions(host: str) -> list[bytes]:
    found = [
        _extension(10, _block(2, _numbers(_GROUPS))),
        _extension(11, _block(1, b"\0")),
        _extension(13, _block(2, _numbers(_SIGNATURES))),
    ]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = b"\0" + _block(2, host.encode("idna"))
        found.append(_extension(0, _block(2, name)))
    return found


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack(">H", number) + _block(2, data)


def _block(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _numbers(values: Sequence[int]) -> bytes:
    return b"".join(struct.pack(">H", value) for value in values)


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
