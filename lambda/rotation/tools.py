"""What the steps work with; handler.py makes it, tests make their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.auth_token import AuthToken
from shared.errors import DisagreementError, NotYetError
from shared.group import Endpoint, Group
from shared.secret import Secret


@dataclass(frozen=True)
class Tools:
    """The secret, the group that it opens, a login, and the time with its zone."""

    secret: Secret
    group: Group
    log_in: Callable[[Endpoint, AuthToken], bool]
    clock: Callable[[], datetime]

    def prove_brought_in(self, token: AuthToken) -> None:
        """Log in everywhere, when no change is under way that a node might not have yet.

        Raises NotYetError while that cannot be done.
        """
        group = self.group.describe()
        group.require_settled()
        for endpoint in group.endpoints:
            if not self.log_in(endpoint, token):
                raise NotYetError(f"the {endpoint.name} endpoint refuses the new token")

    def prove_current(self, token: AuthToken, *endpoints: Endpoint) -> None:
        """Log in with AWSCURRENT's token. Raises DisagreementError if an endpoint refuses it."""
        for endpoint in endpoints:
            if not self.log_in(endpoint, token):
                raise DisagreementError(
                    f"the {endpoint.name} endpoint refuses AWSCURRENT's token: nothing is changed "
                    "until a person has found the version that it accepts (runbook: "
                    "token-disagreement)"
                )
