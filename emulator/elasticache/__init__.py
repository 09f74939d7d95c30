"""ElastiCache as its API shows it, on real servers: see emulator/README.md for what it refuses."""

from emulator.elasticache.service import ElastiCache
from emulator.elasticache.wire import AwsError

__all__ = ["AwsError", "ElastiCache"]
