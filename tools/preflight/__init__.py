"""What a deployment needs of its account, read before anything is created: docs/preflight.md."""
