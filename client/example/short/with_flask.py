"""Flask: gunicorn example.short.with_flask:app."""

from flask import Flask, Response

from vibewell_redis import RateLimiter, Settings
from vibewell_redis.routes import limit
from vibewell_redis.wsgi import RateLimitMiddleware

app = Flask(__name__)


@app.get("/code")
@limit("mfa", refused=lambda refusal: Response(refusal.body, refusal.status, refusal.headers))
def code() -> dict[str, str]:
    """Five codes a minute for each user and each address."""
    return {"code": "right"}


limiter = RateLimiter.from_settings(Settings.from_environment())
app.wsgi_app = RateLimitMiddleware(app.wsgi_app, limiter=limiter)  # type: ignore[method-assign]
