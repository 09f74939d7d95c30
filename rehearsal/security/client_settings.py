"""What the attacked client package is told, as the deployment publishes it."""

from __future__ import annotations

from vibewell_redis.settings import Settings


def settings(host: str, port: int, token: str) -> Settings:
    """One attempt a connection; a limit that no check exhausts, in windows of a minute."""
    limits = ("GENERAL", "AUTH", "SENSITIVE", "ADMIN", "MFA", "FINANCIAL")
    return Settings.from_environment(
        {
            "REDIS_ENABLED": "true",
            "REDIS_URL": f"rediss://{host}:{port}",
            "REDIS_TLS": "true",
            "REDIS_PASSWORD": token,
            "REDIS_TIMEOUT": "2000",
            "REDIS_MAX_RECONNECT_ATTEMPTS": "0",
            **{f"RATE_LIMIT_{name}": "100,60" for name in limits},
        }
    )
