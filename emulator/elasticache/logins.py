"""Which AUTH tokens and passwords ElastiCache takes."""

from __future__ import annotations

import string
from typing import Any

from emulator.elasticache import reading
from emulator.elasticache.errors import NotRehearsedError, invalid_combination, invalid_value
from emulator.elasticache.wire import Params

ALLOWED = frozenset(string.ascii_letters + string.digits + "!&#$^<>-")
FORBIDDEN = frozenset(',"/@')
MOST = 2


def check_token(token: str) -> None:
    """InvalidParameterValue for a wrong length or alphabet (botocore, CreateReplicationGroup)."""
    if not 16 <= len(token) <= 128 or not ALLOWED.issuperset(token):
        raise invalid_value("Invalid AuthToken provided.")


def passwords(params: Params) -> tuple[str, ...] | None:
    """A user's passwords, none if it needs none, or None if the call says nothing of them.

    Raises InvalidParameterValue or InvalidParameterCombination.
    """
    mode: dict[str, Any] = params.get("AuthenticationMode") or {}
    if mode.get("Type") == "iam":
        raise NotRehearsedError("log in with IAM")
    given = reading.items(params, "Passwords") or reading.items(mode, "Passwords") or []
    none = reading.flag(params, "NoPasswordRequired") or mode.get("Type") == "no-password-required"
    if none and given:
        raise invalid_combination("Passwords cannot be given for a user that requires none.")
    if not none and not given:
        return None
    if len(given) > MOST:
        raise invalid_value(f"A user can have at most {MOST} passwords.")
    for password in map(str, given):
        if not 16 <= len(password) <= 128:
            raise invalid_value("Passwords length must be between 16-128 characters.")
        if FORBIDDEN.intersection(password) or not (password.isascii() and password.isprintable()):
            raise invalid_value('Passwords are printable characters other than , " / and @.')
    return tuple(map(str, given))
