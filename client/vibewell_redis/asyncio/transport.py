"""One command to the Redis that decides, whatever has happened to it since the last one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoScriptError, ReadOnlyError, RedisError

from vibewell_redis import script
from vibewell_redis.asyncio.pool import FairConnectionPool


class Transport:
    """Sends batches of decisions over connections of a pool that it may share."""

    def __init__(self, pool: FairConnectionPool) -> None:
        self._pool = pool
        self._home = pool.address
        self._sending = script.Sending()

    async def ask(self, keys: Sequence[bytes], shapes: bytes, policies: bytes) -> bytes:
        """The script's reply. Raises redis.RedisError or OSError when Redis gives none.

        What can be mended is mended, each ailment once. A batch whose connection breaks before the
        reply is sent again: it may then be counted twice, which is stricter than the limit and
        never laxer.
        """
        source = self._sending.source(time.monotonic())
        words = script.words(source, keys, shapes, policies)
        mended: set[str] = set()
        while True:
            try:
                return await self._once(words)
            except NoScriptError:
                source = self._sending.forgotten(time.monotonic())
                words = script.words(source, keys, shapes, policies)
            except (RedisError, OSError) as problem:
                ailment = await self._mend(problem)
                if ailment in mended:
                    raise
                mended.add(ailment)

    async def _mend(self, problem: Exception) -> str:
        """Make the next attempt go elsewhere, and say why; raises what cannot be mended."""
        if isinstance(problem, RedisConnectionError | OSError):
            # In cluster mode the address at home leads to the nodes that are there now.
            self._pool.address = self._home
            return "connection"
        if isinstance(problem, MovedError):
            self._pool.address = (problem.host or self._home[0], problem.port)
            return "MOVED"
        # Redis 6.2 wraps what a script was refused into a message of its own.
        if isinstance(problem, ReadOnlyError) or "READONLY" in str(problem):
            # The primary's name leads to another node by now: look it up again.
            await self._pool.disconnect(inuse_connections=False)
            return "READONLY"
        raise problem

    async def _once(self, words: tuple[bytes | int, ...]) -> bytes:
        connection = await self._pool.get_connection()
        try:
            packed = hiredis.pack_command(words)  # type: ignore[arg-type] # its stub means any length
            connection.write(packed)
            reply: bytes = await connection.read_response(disable_decoding=True)
        finally:
            await self._pool.release(connection)
        return reply
