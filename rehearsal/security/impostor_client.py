"""An application that logs in with the client package at each address that it is given.

usage: python -m rehearsal.security.impostor_client HOST:PORT...
"""

import asyncio
import sys

from redis.exceptions import RedisError

import vibewell_redis
import vibewell_redis.asyncio
from rehearsal.security.hostile_client import settings

TOKEN = "a-token-for-impostors"  # noqa: S105 - it opens nothing


def main() -> None:
    """Both halves of the package. What they raise is theirs: the impostor says what it heard."""
    for address in sys.argv[1:]:
        host, _, port = address.rpartition(":")
        asyncio.run(_asynchronous(host, int(port)))
        _synchronous(host, int(port))


async def _asynchronous(host: str, port: int) -> None:
    pool = vibewell_redis.asyncio.connection_pool(settings(host, port, TOKEN))
    try:
        await pool.get_connection()
    except (RedisError, OSError):
        return
    finally:
        await pool.aclose()


def _synchronous(host: str, port: int) -> None:
    pool = vibewell_redis.connection_pool(settings(host, port, TOKEN))
    try:
        pool.get_connection()  # type: ignore[no-untyped-call]
    except (RedisError, OSError):
        return
    finally:
        pool.close()


if __name__ == "__main__":
    main()
