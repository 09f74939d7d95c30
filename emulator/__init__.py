"""The embedded AWS: ElastiCache on real Redis nodes, and what ministack lacks."""
