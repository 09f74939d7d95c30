"""One command to the Redis that decides, whatever has happened to it since the last one."""

from __future__ import annotations

from collections.abc import Sequence

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError

from vibewell_redis import script
from vibewell_redis.asyncio.pool import FairConnectionPool


class Transport:
    """Sends batches of decisions over connections of a pool that it may share."""

    def __init__(self, pool: FairConnectionPool) -> None:
        self._pool = pool
        self._home = pool.address

    async def ask(self, keys: Sequence[bytes], shapes: bytes, policies: bytes) -> bytes:
        """The script's reply. Raises redis.RedisError or OSError when Redis gives none.

        What can be mended is mended, each ailment once. A batch whose connection breaks before the
        reply is sent again: it may then be counted twice, which is stricter than the limit and
        never laxer.
        """
        words = script.words(b"EVALSHA", script.SHA, keys, shapes, policies)
        mended: set[str] = set()
        while True:
            try:
                return await self._once(words)
            except NoScriptError as problem:
                # A Redis that was restarted, or that took over, does not know the script yet.
                words = script.words(b"EVAL", script.SCRIPT, keys, shapes, policies)
                ailment, cause = "NOSCRIPT", problem
            except ResponseError as problem:
                ailment, cause = await self._mend(problem), problem
            except (RedisConnectionError, OSError) as problem:
                # In cluster mode the address at home leads to the nodes that are there now.
                self._pool.address = self._home
                ailment, cause = "connection", problem
            if ailment in mended:
                raise cause
            mended.add(ailment)

    async def _mend(self, refusal: ResponseError) -> str:
        """Make the next attempt go elsewhere; raises the refusal when that would not help."""
        said = str(refusal)
        # Redis 6.2 wraps what a script was refused into a message of its own.
        if "READONLY" in said:
            # The primary's name leads to another node by now: look it up again.
            await self._pool.disconnect(inuse_connections=False)
            return "READONLY"
        if said.startswith("MOVED "):
            host, _, port = said.split()[2].rpartition(":")
            self._pool.address = (host or self._home[0], int(port))
            return "MOVED"
        raise refusal

    async def _once(self, words: tuple[bytes | int, ...]) -> bytes:
        connection = await self._pool.get_connection()
        try:
            await connection.send_packed_command(hiredis.pack_command(words), check_health=False)
            reply: bytes = await connection.read_response(disable_decoding=True)
        finally:
            await self._pool.release(connection)
        return reply
