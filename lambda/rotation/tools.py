"""What the steps work with; handler.py makes it, tests make their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.auth_token import AuthToken
from shared.group import Endpoint, Group
from shared.login import Logins
from shared.secret import Secret
from shared.user import User


@dataclass(frozen=True)
class Tools:
    """The secret, the user, the group, logins, and the time with its zone.

    ``retire_after`` counts from AWSCURRENT's move and is longer than any client caches the secret.
    ``most_refused`` is how many logins of one pass may be refused where all is as it should be.
    """

    secret: Secret
    user: User
    group: Group
    try_tokens: Callable[[Endpoint, list[AuthToken]], Logins]
    clock: Callable[[], datetime]
    retire_after: timedelta
    most_refused: int
