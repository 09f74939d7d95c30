"""Lets one process hold more than a thousand connections with geventhttpclient.

Before it uses a connection again, its pool (2.6.1) asks select(2) whether the server has closed it.
select takes no descriptor above 1023, and the pool takes that error for a closed connection: each
request of most users would open a new one.
"""

from __future__ import annotations

import select
from typing import Any

from gevent.monkey import get_original  # type: ignore[import-untyped]
from geventhttpclient import connectionpool  # type: ignore[import-not-found]

_poll = get_original("select", "poll")  # gevent's own goes through its hub


def hold() -> None:
    """Ask poll(2) instead, which takes any descriptor."""
    connectionpool.ConnectionPool._is_socket_alive = _is_idle  # noqa: SLF001 - there is no other way


def _is_idle(_pool: Any, sock: Any) -> bool:
    """Whether nothing has come on a connection that nobody has asked anything on."""
    if sock is None or sock.fileno() < 0:
        return False
    asked = _poll()
    asked.register(sock.fileno(), select.POLLIN)
    return not asked.poll(0)
