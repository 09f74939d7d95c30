"""Which sockets the processes of this machine listen on, from the kernel's own tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"
_PROC = Path("/proc")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def listening(process: int) -> dict[tuple[IpAddress, int], int]:
    """Address and port -> process id, of a process and of all that it started."""
    found: dict[tuple[IpAddress, int], int] = {}
    tables: dict[str, dict[str, tuple[IpAddress, int]]] = {}
    for pid in family(process):
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


def family(process: int) -> Iterator[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            # The name, in parentheses, may hold anything; state and parent come after it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    left = [process]
    while left:
        one = left.pop()
        yield one
        left += children.get(one, ())


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
