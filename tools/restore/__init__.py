"""Brings the replication group of an environment back from a snapshot, for good."""
