"""The ElastiCache user that every client logs in as, whose passwords are the tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.auth_token import AuthToken
from shared.aws_calls import ask

ACTIVE = "active"
PASSWORD = "password"  # noqa: S105 - Authentication.Type


@dataclass(frozen=True)
class UserState:
    """What DescribeUsers says: ``passwords`` is their number, None where AWS does not say."""

    status: str
    kind: str
    passwords: int | None


@dataclass(frozen=True)
class User:
    """One user. Every method raises what ``ask`` raises."""

    client: Any
    user_id: str

    def describe(self) -> UserState:
        """The user as it is now; AWS never shows a password."""
        answer = ask(self.client.describe_users, UserId=self.user_id)
        user = answer["Users"][0]
        authentication = user["Authentication"]
        return UserState(
            user["Status"], authentication["Type"], authentication.get("PasswordCount")
        )

    def replace_passwords(self, tokens: Sequence[AuthToken], *, close: bool) -> None:
        """Start to accept these and no others. Does not wait, and leaves the user's rights alone.

        ``close``: the user takes logins without a password, which is ended too. Passwords together
        with NoPasswordRequired false is what Terraform's provider sends then.
        """
        passwords = [token.text for token in tokens]
        given: dict[str, Any] = {"UserId": self.user_id, "Passwords": passwords}
        given |= {"NoPasswordRequired": False} if close else {}
        ask(self.client.modify_user, **given)
