"""The errors under the names of 1.0; the package itself has them too."""

from vibewell_redis.credentials import TokenUnavailableError
from vibewell_redis.pool import LoginRefusedError
from vibewell_redis.settings import SettingsError

__all__ = ["LoginRefusedError", "SettingsError", "TokenUnavailableError"]
