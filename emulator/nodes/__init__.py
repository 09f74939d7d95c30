"""Replication groups of real servers: TLS, AUTH tokens, replicas, failover and snapshots."""
