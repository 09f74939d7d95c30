"""ElastiCache's own notifications, in plain words for the channel."""
