"""The package in an environment of its own: both limiters and pools, a step a line of input."""

import asyncio
import json
import sys
import warnings

import redis
import redis.asyncio

warnings.simplefilter("error")
import vibewell_redis  # noqa: E402
import vibewell_redis.asyncio  # noqa: E402


async def main() -> None:
    settings = vibewell_redis.Settings.from_environment(json.loads(sys.stdin.readline()))
    pools = (
        vibewell_redis.connection_pool(settings),
        vibewell_redis.asyncio.connection_pool(settings),
    )
    of_tasks = vibewell_redis.asyncio.RateLimiter.from_settings(
        settings, deadline=5, prefix="tasks"
    )
    of_threads = vibewell_redis.RateLimiter.from_settings(settings, deadline=5, prefix="threads")
    for _ in sys.stdin:
        decisions = [await of_tasks.hit("mfa", user="a"), of_threads.hit("mfa", user="a")]
        clients = (
            redis.Redis(connection_pool=pools[0]),
            redis.asyncio.Redis(connection_pool=pools[1]),
        )
        answers = [clients[0].set("versions", "1"), await clients[1].set("versions", "1")]
        about = [[one.source, one.windows[0].remaining] for one in decisions]
        print(json.dumps([redis.__version__, about, answers]), flush=True)
    await of_tasks.aclose()
    of_threads.close()
    await pools[1].aclose()
    pools[0].disconnect()


asyncio.run(main())
