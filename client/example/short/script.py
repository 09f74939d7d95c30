"""A script that keeps to a limit which it shares with others: python -m example.short.script."""

import time

from vibewell_redis import RateLimiter, Settings

with RateLimiter.from_settings(Settings.from_environment()) as limiter:
    for number in range(3):
        while not (decision := limiter.hit("sensitive", job="import")):
            time.sleep(min(decision.retry_after, 60))
        print("imported", number)
