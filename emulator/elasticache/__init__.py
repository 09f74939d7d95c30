"""ElastiCache as its API shows it, on real servers: see emulator/README.md for what it refuses."""

from emulator.elasticache.service import ElastiCache

__all__ = ["ElastiCache"]
