"""Connections and exact, distributed rate limits on the Redis that VibeWell deploys."""
