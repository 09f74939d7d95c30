"""Fixtures for pytest: ``pytest_plugins = ["vibewell_redis.testing"]`` in conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from vibewell_redis.limiter import RateLimiter
from vibewell_redis.settings import TIERS, Settings, variable_of

_numbers = count()


@pytest.fixture
def rate_limit_settings() -> Callable[..., Settings]:
    """Settings without Redis, with windows of the test's own: ``rate_limit_settings(mfa="2,60")``.

    Tiers that are not named have the plan's limits; names that the plan has not are tiers of one's
    own. A limiter of either kind is made of them by ``from_settings``.
    """
    url = f"memory://test-{next(_numbers)}"

    def make(**tiers: str) -> Settings:
        own = {"RATE_LIMIT_TIERS": ",".join(name for name in tiers if name not in TIERS)}
        limits = {variable_of(name): limit for name, limit in tiers.items()}
        return Settings.from_environment({"REDIS_URL": url} | own | limits)

    return make


@pytest.fixture
def rate_limiter(rate_limit_settings: Callable[..., Settings]) -> Iterator[RateLimiter]:
    """A limiter for threads with the plan's limits, whose windows are empty at the start."""
    with RateLimiter.from_settings(rate_limit_settings()) as limiter:
        yield limiter
