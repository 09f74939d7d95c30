"""Where a process listens, as the kernel tells it."""

import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

Address = IPv4Address | IPv6Address

LISTEN = "0A"  # TCP_LISTEN of /proc/net/tcp (include/net/tcp_states.h)


def listening(pid: int) -> list[tuple[Address, int]]:
    """The local addresses and ports, of both families, that a process listens on."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            sockets.add(str(link.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [_at(row[1]) for row in rows if row[3] == LISTEN and f"socket:[{row[9]}]" in sockets]


def _at(local: str) -> tuple[Address, int]:
    """Each word of the address is written in the machine's byte order."""
    address, port = local.split(":")
    words = [bytes.fromhex(address[first : first + 8]) for first in range(0, len(address), 8)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    return ip_address(b"".join(words)), int(port, 16)
