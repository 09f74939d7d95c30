"""The first message of a TLS handshake, in versions and ciphers that our own OpenSSL refuses.

A library that would still offer them is hard to find: OpenSSL 3 is built without RC4, 3DES and the
export ciphers, and its policy stops TLS 1.1 before the server is asked. The server's answer to the
first message tells enough: it chooses (ServerHello), or it ends the conversation.
Sources: RFC 2246, 4346 and 5246, section 7.4.1.2; RFC 8422 and 6066 for the extensions.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Sequence

from rehearsal.security.target import Address
from rehearsal.security.wire import PATIENCE

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
