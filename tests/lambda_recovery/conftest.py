"""No call can leave this machine under somebody's name."""

from tests.support import credentials_of_nobody

__all__ = ["credentials_of_nobody"]
