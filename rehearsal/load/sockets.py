"""Which connections are open, asked of the kernel by netlink.

``psutil`` reads the files of every process for it, seconds with thousands of connections, and
/proc/net/tcp skips lines while connections come and go.
"""

import socket
import struct

_SOCK_DIAG = 4  # the netlink family
_BY_FAMILY = 20
_REQUEST, _DUMP = 0x1, 0x300
_DONE, _ERROR = 3, 2
_OPEN = 1 << 1  # TCP_ESTABLISHED
_KERNEL_PATIENCE = 30.0  # seconds
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_PORTS = struct.Struct("!HH")
_ADDRESSES = bytes(4 * 4 * 2 + 4 + 8)  # any source, any destination, any interface, no cookie
_PORTS_AT = _HEADER.size + 4  # family, state, timer and retransmissions stand before them


def open_at(port: int) -> set[int]:
    """The remote ports of all connections that are open at this local port. Raises OSError."""
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _OPEN)
    body = asked + _PORTS.pack(port, 0) + _ADDRESSES
    header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST | _DUMP, 1, 0)
    found = set[int]()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(_KERNEL_PATIENCE)
        kernel.send(header + body)
        while _read(kernel.recv(1 << 16), found):
            pass
    return found


def _read(data: bytes, found: set[int]) -> bool:
    """Add what one datagram lists, and whether there is more."""
    at = 0
    while at < len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind == _DONE:
            return False
        if kind == _ERROR:
            raise OSError("the kernel does not list open connections (sock_diag)")
        found.add(_PORTS.unpack_from(data, at + _PORTS_AT)[1])
        at += (length + 3) & ~3
    return True
