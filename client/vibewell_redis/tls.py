"""One TLS context for all connections of a process."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def trust() -> ssl.SSLContext:
    """Certificates and names are checked against the system's authorities, TLS 1.2 or later.

    SSL_CERT_FILE, OpenSSL's own variable, names another file of authorities. Made once: reading
    all of a system's certificates takes about 45 ms, and redis-py does it for each connection
    (redis/redis-py#4211).
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
