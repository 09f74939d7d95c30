"""What the application is told, and how many connections it may open: [application]."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from environments.section import Section, at_least, at_most, matching, refusal

_CLIENT = (
    "The client package takes no more (client/vibewell_redis/settings.py), and would not start"
)


class RateLimit(Section):
    """So many requests in so many seconds."""

    requests: Annotated[PositiveInt, at_most(1_000_000, _CLIENT)]
    seconds: Annotated[PositiveInt, at_most(14 * 24 * 3600, _CLIENT)]

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


_TAG = matching(
    r"[A-Za-z0-9_ .:/=+@-]+",
    "server_tag has {}",
    "EC2's tags are English letters, digits, spaces and .:/=+@-, and State Manager takes a tag as "
    "it is: a pattern such as * matches no server",
    'Write the tag of the application servers, such as key = "role"',
)


class ServerTag(Section):
    """The tag by which Systems Manager finds the application servers."""

    key: Annotated[str, Field(min_length=1, max_length=128), _TAG]
    value: Annotated[str, Field(min_length=1, max_length=256), _TAG]


class Application(Section):
    """The client's settings (§2.4, 5.4), the connection budget and the servers (§5.3).

    Without a ``server_tag`` no server's kernel values are set or watched.
    """

    redis_enabled: bool
    timeout_ms: Annotated[
        PositiveInt,
        at_most(600_000, _CLIENT),
        at_least(50, "Milliseconds are meant, and a login over TLS takes longer"),
    ]
    max_reconnect_attempts: Annotated[int, Field(ge=0), at_most(1000, _CLIENT)]
    instances: Annotated[PositiveInt, at_most(100_000, _CLIENT)]
    pool_size: Annotated[PositiveInt, at_most(10_000, _CLIENT)]
    pool_idle_seconds: Annotated[PositiveInt, at_most(86_400, _CLIENT)]
    # More than any node accepts, and the servers' limit of open files would pass the kernel's own
    # (fs.nr_open, 1,048,576): systemd could start no service.
    max_clients: Annotated[PositiveInt, at_most(65_000, "No node accepts more connections")]
    rate_limits: RateLimits
    server_tag: ServerTag | None = None

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
