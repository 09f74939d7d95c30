"""The AUTH token at a login: fetched, kept for a while, and fetched anew when Redis refuses it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from redis.credentials import CredentialProvider

from vibewell_redis.errors import TokenUnavailableError
from vibewell_redis.settings import Settings

_log = logging.getLogger("vibewell_redis")

# The longest that the rotation lets a client keep the token (seconds).
KEEP_SECONDS = 300.0
# A secret that Redis refuses is not asked for more often (seconds).
_APART = 1.0


class Token(CredentialProvider):
    """What logs in. ``fetch`` returns the token; it may block, and runs outside the event loop.

    Thread-safe; one serves all connections of a process. The token is in no repr and no message.
    """

    def __init__(self, fetch: Callable[[], str], keep_seconds: float = KEEP_SECONDS) -> None:
        self._fetch = fetch
        self._keep = keep_seconds
        self._lock = threading.Lock()
        self._token = ""
        self._fetched_at = -float("inf")
        self.generation = 0

    def get_credentials(self) -> tuple[str]:
        """The token, in the form that redis-py takes: a password alone."""
        if self._is_old(self._keep):
            with self._lock:
                if self._is_old(self._keep):
                    self._read()
        return (self._token,)

    async def get_credentials_async(self) -> tuple[str]:
        """The same; the event loop goes on while it is fetched."""
        if self._is_old(self._keep):
            return await asyncio.to_thread(self.get_credentials)
        return (self._token,)

    def renew(self, generation: int) -> bool:
        """Redis refused the token of this generation: whether there is another to try."""
        with self._lock:
            if self.generation == generation and self._is_old(_APART):
                self._read()
            return self.generation != generation

    async def renew_async(self, generation: int) -> bool:
        """The same; the event loop goes on while it is fetched."""
        return await asyncio.to_thread(self.renew, generation)

    def _is_old(self, seconds: float) -> bool:
        return time.monotonic() - self._fetched_at > seconds

    def _read(self) -> None:
        try:
            token = self._fetch()
        except Exception as problem:  # noqa: BLE001 - whatever the caller's function raises
            if not self.generation:
                raise TokenUnavailableError(
                    f"the secret with the Redis token cannot be read: {problem}"
                ) from None
            # The one that is known may well be good: Redis accepts it for a day after a rotation.
            _log.warning("the Redis token cannot be fetched anew: %s", type(problem).__name__)
            token = self._token
        if token != self._token:
            self._token = token
            self.generation += 1
        self._fetched_at = time.monotonic()


def token_of(settings: Settings) -> Token | None:
    """What the settings say: a secret of Secrets Manager, a fixed token, or none."""
    if settings.password_secret_arn is not None:
        return Token(_from_secrets_manager(settings.password_secret_arn))
    if settings.password is not None:
        password = settings.password
        return Token(lambda: password, float("inf"))
    return None


def _from_secrets_manager(arn: str) -> Callable[[], str]:
    # An extra, which only this needs.
    import boto3

    from vibewell_redis.published import QUICK

    region = arn.split(":")[3]
    client = boto3.Session(region_name=region).client("secretsmanager", config=QUICK)

    def fetch() -> str:
        return str(client.get_secret_value(SecretId=arn)["SecretString"])

    return fetch
