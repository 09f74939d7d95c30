"""What the template gives to the function, in its environment: names and times, never a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self


@dataclass(frozen=True)
class Settings:
    """The one secret, user and group, and how the old token's time and the probes are bounded.

    ``retire_after`` and ``most_refused`` are those of ``Tools``.
    """

    secret_arn: str
    user_id: str
    group_id: str
    retire_after: timedelta
    most_refused: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises ValueError if clients might still cache the old token when it is retired."""
        retire_after = timedelta(seconds=int(environment["RETIRE_AFTER_SECONDS"]))
        cache = timedelta(seconds=int(environment["CLIENT_CACHE_SECONDS"]))
        if retire_after <= cache:
            raise ValueError(
                f"RETIRE_AFTER_SECONDS {retire_after.total_seconds():g} is not above "
                f"CLIENT_CACHE_SECONDS {cache.total_seconds():g}: clients would be locked out"
            )
        return cls(
            environment["SECRET_ARN"],
            environment["USER_ID"],
            environment["REPLICATION_GROUP_ID"],
            retire_after,
            int(environment["MOST_REFUSED_LOGINS"]),
        )
