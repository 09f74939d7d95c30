"""ElastiCache as its API shows it, on real servers: see rehearsal/README.md for what it refuses."""

from rehearsal.elasticache.errors import AwsError
from rehearsal.elasticache.service import ElastiCache

__all__ = ["AwsError", "ElastiCache"]
