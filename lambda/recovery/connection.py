"""A connection to Redis as a client makes it: TLS with the certificate checked, AUTH."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError
from redis.retry import Retry

from recovery.errors import BusyError, RecoveryError

SECONDS = 5.0  # for the connection with its handshake, and again for each answer


@contextmanager
def connected(host: str, port: int, token: str, *, cluster: bool) -> Iterator[Any]:
    """A client, closed at the end. In cluster mode it finds the shard of each key.

    Raises BusyError if Redis cannot be reached or does not answer, RecoveryError if it refuses the
    token. No message repeats what the library says: it may repeat what it was given.
    """
    kind: Any = RedisCluster if cluster else Redis
    client: Any = None
    try:
        client = kind(
            host=host,
            port=port,
            password=token,
            ssl=True,
            ssl_cert_reqs="required",
            ssl_check_hostname=True,
            socket_connect_timeout=SECONDS,
            socket_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
        client.ping()
        yield client
    except AuthenticationError:
        raise RecoveryError(f"{host} refuses the token of the secret") from None
    except (RedisError, RedisClusterException, OSError) as failure:
        raise BusyError(f"{host} did not answer: {type(failure).__name__}") from None
    finally:
        if client is not None:
            client.close()


def count_keys(client: Any) -> int:
    """The keys of all shards: asked without more, a cluster's client counts those of one."""
    if isinstance(client, RedisCluster):
        return int(client.dbsize(target_nodes=RedisCluster.PRIMARIES))
    return int(client.dbsize())
