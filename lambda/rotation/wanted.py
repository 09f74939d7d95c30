"""The one rule: the passwords that the user must have."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.auth_token import AuthToken
from shared.versions import CURRENT, PENDING, PREVIOUS, Versions

Values = Mapping[str, AuthToken | None]  # by label; None where the version has no value


def wanted(
    found: Versions, values: Values, now: datetime, retire_after: timedelta
) -> tuple[AuthToken, ...]:
    """AWSCURRENT's token first, then at most one other; none if AWSCURRENT's cannot be one.

    The other is AWSPREVIOUS's until it is retired, then AWSPENDING's. A version without a value, or
    with one that ElastiCache does not take or that is AWSCURRENT's, is left out.
    """
    current = values[CURRENT]
    if current is None or not current.usable:
        return ()
    other = values.get(PENDING if found.retired(now, retire_after) else PREVIOUS)
    return (current, other) if other and other.usable and other != current else (current,)
