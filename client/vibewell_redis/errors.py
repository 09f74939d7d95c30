"""What goes wrong for good: everything else is a decision by the tier's policy."""

from redis.exceptions import RedisError


class SettingsError(ValueError):
    """A variable is missing or malformed: the message names it and says what to write."""


class LoginRefusedError(RedisError):
    """Redis refuses the token, also the one that was read again.

    It is no ConnectionError on purpose: redis-py would try the same token again, ten times, and
    each refusal counts for the alarm on refused logins.
    """


class TokenUnavailableError(RedisError):
    """The secret with the token cannot be read, and no token is known yet."""
