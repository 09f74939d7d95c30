"""A login as a client does it: TLS with the certificate checked, AUTH, PING."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import TimeoutError as NoAnswerError
from redis.retry import Retry

from shared.auth_token import AuthToken
from shared.errors import StoppedError, TokenRefusedError, UnreachableError
from shared.group import Endpoint

Answer = TypeVar("Answer")

SECONDS = 3.0  # for the connection with its handshake, and again for each answer


@dataclass(frozen=True)
class Logins:
    """What one node made of each token, and whether it serves a client that gives none."""

    taken: dict[AuthToken, bool]
    open: bool


def try_tokens(endpoint: Endpoint, tokens: Sequence[AuthToken]) -> Logins:
    """Try no token, and then each of these, on a new connection after each that is refused.

    redis-py's own parser, which functions have (they bring no hiredis), gives a refusal of AUTH
    again to whoever reads next on the same connection.

    A user without password refuses ``AUTH <token>``, whatever the token, and serves a client that
    gives none (tried on Redis 6.2): a refused token alone says nothing about who else gets in.
    Raises UnreachableError as ``talk`` does.
    """

    def work(redis: Any) -> Logins:
        # The pool takes what TLS 1.3 sends by itself for an answer to somebody else.
        connection = redis.connection_pool.make_connection()
        try:
            is_open = _granted(connection, "PING")
            taken = {token: _granted(connection, "AUTH", token.text) for token in tokens}
        finally:
            connection.disconnect()
        return Logins(taken, is_open)

    return talk(endpoint, None, work)


def _granted(connection: Any, *command: str) -> bool:
    connection.send_command(*command)  # connects, where nothing is connected
    try:
        connection.read_response()  # disconnects on a refusal
    except AuthenticationError:
        return False
    return True


def log_in(endpoint: Endpoint, token: AuthToken) -> bool:
    """Whether Redis takes the token: True if it answered PING, False if it refused AUTH.

    Raises UnreachableError for everything that says nothing about the token, as ``talk`` does.
    """
    try:
        talk(endpoint, token, lambda redis: redis.ping())
    except TokenRefusedError:
        return False
    return True


def talk(
    endpoint: Endpoint,
    token: AuthToken | None,
    work: Callable[[Any], Answer],
    *,
    cluster: bool = False,
) -> Answer:
    """What ``work`` returns, on a connection of its own. One attempt of some seconds, no retry.

    Without a token ``work`` logs in itself. With ``cluster`` the client finds the shard of each
    key, by way of any node.

    Raises TokenRefusedError if Redis refuses AUTH, and UnreachableError for everything that says
    nothing about the token: no connection, no answer in time, a certificate that is not good, a
    server that loads its data or has lost its primary, a command that it refuses.
    """
    kind: Any = RedisCluster if cluster else Redis
    tls = {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    once = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "driver_info": None}
    address = {"host": endpoint.host, "port": endpoint.port, "password": token and token.text}
    client: Any = None
    problem: StoppedError
    try:
        client = kind(**address, **tls, **once, retry=Retry(NoBackoff(), 0), protocol=2)
        return work(client)
    except AuthenticationError:
        problem = TokenRefusedError(f"the {endpoint.name} endpoint refuses the token")
    except (RedisError, RedisClusterException, OSError) as failure:
        where = f"the {endpoint.name} endpoint {endpoint.host}"
        problem = UnreachableError(f"{where} {_reason(failure)}")
    finally:
        if client is not None:
            client.close()
    # Outside of the handlers, so that not even __context__ leads to the library's message.
    raise problem


def _reason(failure: Exception) -> str:
    match failure:
        case BusyLoadingError():
            return "is loading its data"
        case NoAnswerError():
            return f"did not answer in {SECONDS:g} seconds"
        case NoConnectionError() if "certificate verify failed" in str(failure):
            return "has a certificate that is not valid for it"
        case NoConnectionError():
            return "cannot be connected to"
        case _:
            return f"answered with {type(failure).__name__}"
