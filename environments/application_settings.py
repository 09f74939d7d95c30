"""What the application is told, and how many connections it may open: [application]."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from environments.section import Section, refusal


class RateLimit(Section):
    """So many requests in so many seconds."""

    requests: PositiveInt
    seconds: PositiveInt

    def __str__(self) -> str:
        """The plan's own form (§2.4): ``120,60``."""
        return f"{self.requests},{self.seconds}"


class RateLimits(Section):
    """One limit for each tier of §2.4."""

    general: RateLimit
    auth: RateLimit
    sensitive: RateLimit
    admin: RateLimit
    mfa: RateLimit
    financial: RateLimit


class Application(Section):
    """The client's settings (§2.4, 5.4) and the connection budget (§5.3)."""

    redis_enabled: bool
    timeout_ms: PositiveInt
    max_reconnect_attempts: PositiveInt
    instances: PositiveInt
    pool_size: PositiveInt
    pool_idle_seconds: PositiveInt
    max_clients: Annotated[int, Field(gt=0)]
    rate_limits: RateLimits

    @property
    def connections(self) -> int:
        """The most connections that all instances together open."""
        return self.instances * self.pool_size

    @model_validator(mode="after")
    def _budget_is_within_the_plan(self) -> Self:
        if self.connections >= self.max_clients:
            raise refusal(
                f"{self.instances} instances x {self.pool_size} connections = {self.connections}",
                f"The plan (§5.3) allows fewer than max_clients = {self.max_clients}",
                f"Write at most instances = {(self.max_clients - 1) // self.pool_size}",
                key="instances",
            )
        return self
