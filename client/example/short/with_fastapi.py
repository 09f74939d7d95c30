"""FastAPI: uvicorn example.short.with_fastapi:application."""

from fastapi import Depends, FastAPI

from vibewell_redis import Settings
from vibewell_redis.asgi import RateLimitMiddleware
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.fastapi import limit

app = FastAPI()


@app.get("/code", dependencies=[Depends(limit("mfa"))])
async def code() -> dict[str, str]:
    """Five codes a minute for each user and each address."""
    return {"code": "right"}


limiter = RateLimiter.from_settings(Settings.from_environment())
application = RateLimitMiddleware(app, limiter=limiter)
