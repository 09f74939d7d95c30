"""The AUTH token at a login: read, cached, and read again when Redis refuses it."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from redis.credentials import CredentialProvider
from redis.exceptions import RedisError

from vibewell_redis.settings import QUICK, Settings

if TYPE_CHECKING:
    import boto3

_log = logging.getLogger("vibewell_redis")

# The longest that the rotation lets a client keep the token (seconds).
KEEP_SECONDS = 300.0
# Between two fetches of which the first brought nothing new (seconds).
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class TokenUnavailableError(RedisError):
    """The secret with the token cannot be read, and no token is known yet."""


class Token:
    """What logs in. ``fetch`` returns the token; it may block, and runs outside the event loop.

    Thread-safe; one serves all connections of a process. The token is in no repr and no message.
    """

    def __init__(self, fetch: Callable[[], str], keep_seconds: float = KEEP_SECONDS) -> None:
        self._fetch = fetch
        self._keep = keep_seconds
        self._locks: dict[int, threading.Lock] = {}
        # The token and which fetch brought it: one value, which is read without the lock.
        self._held: tuple[str, int] | None = None
        self._fetched_at = -float("inf")
        # Not fetched before, when a fetch has brought nothing new; the next pause is longer.
        self._not_before = -float("inf")
        self._pause = FIRST_PAUSE

    @property
    def fresh(self) -> tuple[str, int] | None:
        """The token and which fetch that was, if it can be had without one: it never waits."""
        held = self._held
        return held if time.monotonic() - self._fetched_at <= self._keep else None

    def get(self) -> tuple[str, int]:
        """The token, fetched if it is not fresh, and which fetch that was.

        Raises TokenUnavailableError.
        """
        if (held := self.fresh) is not None:
            return held
        with self._lock:
            if (held := self.fresh or (self._held if self._must_pause else None)) is not None:
                return held
            return self._read()

    def renew(self, refused: str, fetch: int) -> bool:
        """Redis refused what that fetch brought: whether there is another token to try.

        Of many connections that are refused the same one, the first fetches. While the secret
        holds the refused token, it is read less and less often.
        """
        with self._lock:
            held = self._held
            if held is None or held[1] == fetch:
                if self._must_pause:
                    return False
                held = self._read()
            if held[0] == refused:
                self._brought_nothing()
            else:
                self._pause, self._not_before = FIRST_PAUSE, -float("inf")
            return held[0] != refused

    @property
    def _lock(self) -> threading.Lock:
        # One per process: a fork may leave that of the other held permanently.
        return self._locks.setdefault(os.getpid(), threading.Lock())

    @property
    def _must_pause(self) -> bool:
        return time.monotonic() < self._not_before

    def _brought_nothing(self) -> None:
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _read(self) -> tuple[str, int]:
        held = self._held
        if held is None and self._must_pause:
            raise TokenUnavailableError(
                "the secret with the Redis token could not be read, and is not read again so soon"
            )
        try:
            token = self._fetch()
        except Exception as problem:  # noqa: BLE001 - whatever the caller's function raises
            self._brought_nothing()
            if held is None:
                raise TokenUnavailableError(
                    f"the secret with the Redis token cannot be read: {problem}"
                ) from None
            # The one that is known may well be good: Redis accepts it for a day after a rotation.
            _log.warning("the Redis token cannot be read again: %s", type(problem).__name__)
            token = held[0]
        self._held = (token, 1 if held is None else held[1] + 1)
        self._fetched_at = time.monotonic()
        return self._held


class Login(CredentialProvider):
    """What one connection logs in with: it remembers which token that was."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._used = ("", 0)

    def get_credentials(self) -> tuple[str]:
        """The token, in the form that redis-py takes: a password alone."""
        self._used = self._token.get()
        return (self._used[0],)

    async def get_credentials_async(self) -> tuple[str]:
        """The same; the event loop goes on while it is fetched."""
        # While another connection's refused token is fetched again, this must not wait in the loop.
        fresh = self._token.fresh
        if fresh is None:
            return await asyncio.to_thread(self.get_credentials)
        self._used = fresh
        return (fresh[0],)

    def renew(self) -> bool:
        """Redis refused what was used: whether there is another to try."""
        return self._token.renew(*self._used)

    async def renew_async(self) -> bool:
        """The same; the event loop goes on while it is fetched."""
        return await asyncio.to_thread(self.renew)


def token_of(settings: Settings) -> Token | None:
    """What the settings say: a secret of Secrets Manager, a fixed token, or none."""
    if settings.password_secret_arn is not None:
        return Token(_from_secrets_manager(settings.password_secret_arn, settings.session))
    if settings.password is not None:
        password = settings.password
        return Token(lambda: password, float("inf"))
    return None


def _from_secrets_manager(arn: str, session: boto3.Session | None) -> Callable[[], str]:
    import boto3  # an extra
    from botocore.config import Config

    @cache
    def client(process: int) -> Any:
        # A forked process must not use its parent's connection, nor wait for a lock that it held.
        del process
        found = session or boto3.Session()
        return found.client("secretsmanager", region_name=arn.split(":")[3], config=Config(**QUICK))

    client(os.getpid())  # mistakes show here

    def fetch() -> str:
        return str(client(os.getpid()).get_secret_value(SecretId=arn)["SecretString"])

    return fetch
