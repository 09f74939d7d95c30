"""The names that 1.0 documents here; they are defined in ``headers``."""

from vibewell_redis.headers import Refusal, refusal

__all__ = ["Refusal", "refusal"]
