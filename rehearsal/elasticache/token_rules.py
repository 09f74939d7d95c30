"""Which AUTH tokens ElastiCache takes (botocore: CreateReplicationGroup, AuthToken)."""

from __future__ import annotations

import string

from rehearsal.elasticache.errors import invalid_value

ALLOWED = frozenset(string.ascii_letters + string.digits + "!&#$^<>-")


def check_token(token: str) -> None:
    """Raises InvalidParameterValue for a token of the wrong length or alphabet."""
    if not 16 <= len(token) <= 128 or not ALLOWED.issuperset(token):
        raise invalid_value("Invalid AuthToken provided.")
