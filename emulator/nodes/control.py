"""Connections that trust the rehearsal's authority and nothing else."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry

PATIENCE_SECONDS = 60.0


class _TrustingOneAuthority(SSLConnection):
    # redis-py reads all of the system's certificates for each connection, which takes 50 ms.
    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        trust = ssl.create_default_context(cafile=self.ca_certs)
        return trust.wrap_socket(sock, server_hostname=self.host)


def connect(host: str, port: int, *, ca_file: str | None, **login: Any) -> redis.Redis:
    """A client that never tries twice; without `ca_file` it speaks without TLS.

    `login` is username and password, as redis-py takes them.
    """
    tls: dict[str, Any] = {"connection_class": Connection}
    if ca_file is not None:
        tls = {"connection_class": _TrustingOneAuthority, "ssl_ca_certs": ca_file}
    pool = redis.ConnectionPool(
        host=host,
        port=port,
        decode_responses=True,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        **tls,
        **login,
    )
    return redis.Redis.from_pool(pool)
