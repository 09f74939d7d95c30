"""Secrets Manager: the record behind a secret."""
# ruff: noqa: SLF001 - another package's private names are its matter

from typing import Any

from ministack.services import secretsmanager  # type: ignore[import-not-found]


def secret_record(secret_id: str) -> dict[str, Any] | None:
    """The stored secret behind a name or ARN, to be changed in place; None when there is none."""
    _, secret = secretsmanager._resolve(secret_id)
    found: dict[str, Any] | None = secret
    return found
