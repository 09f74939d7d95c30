"""Django: the view belongs into views.py, the rest into wsgi.py."""

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse

from vibewell_redis import RateLimiter, Settings
from vibewell_redis.routes import limit
from vibewell_redis.wsgi import RateLimitMiddleware


@limit("mfa", refused=lambda no: HttpResponse(no.body, status=no.status, headers=dict(no.headers)))
def code(request: HttpRequest) -> HttpResponse:
    """Five codes a minute for each user and each address."""
    return HttpResponse(f"right: {request.method}".encode())


limiter = RateLimiter.from_settings(Settings.from_environment())
application = RateLimitMiddleware(get_wsgi_application(), limiter=limiter)
