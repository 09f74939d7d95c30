"""What a deployment needs of its account, read before it (docs/start/preflight.md)."""
