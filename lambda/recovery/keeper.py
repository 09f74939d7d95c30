"""The function that keeps the sentinels: written once, without expiry, and read on each pass.

``allkeys-lru`` evicts what is not read, so each pass reads every one. A missing one is written
again, so that the next snapshot has it. An altered one is left as it is, and published.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recovery.verifier import logged_in
from shared.boto_config import no_debugging
from shared.emf import emitted


def handler(event: dict[str, Any], _context: object) -> None:
    """Keep ``{"sentinels": {key: value}}``; raises what ``logged_in`` raises."""
    no_debugging()
    sentinels = event["sentinels"]
    host, port = os.environ["REDIS_HOST"], int(os.environ["PORT"])
    metrics = logged_in(host, port, lambda redis: keep(redis, sentinels))
    words = {"sentinels": len(sentinels)}
    print(emitted(os.environ["REPLICATION_GROUP_ID"], datetime.now(UTC), metrics, words))


def keep(redis: Any, sentinels: Mapping[str, str]) -> dict[str, float]:
    """Read each, write what is missing; how many were missing and how many are altered."""
    missing = altered = 0
    for key, value in sentinels.items():
        found = redis.get(key)
        if found is None:
            missing += 1
            redis.set(key, value, nx=True)
        elif found != value.encode():
            altered += 1
        elif redis.ttl(key) >= 0:
            redis.persist(key)
    return {"SentinelsMissing": float(missing), "SentinelsAltered": float(altered)}
