"""A client of the limiter that remembers nothing asks for every greedy key, and counts nothing.

usage: python -m rehearsal.load.ask ORDER, a `Order` as JSON. The token is the first line of
standard input; the second says go. Each answer is printed as one line of JSON, then an empty one.
"""

import json
import os
import sys
import time

from rehearsal.load.plan import Order, clients
from vibewell_redis import RateLimiter, Settings, Source

_PATIENCE = 60.0  # seconds until Redis must answer
_PAUSE = 0.05  # seconds


def main() -> None:
    """Ask when told to."""
    os.environ["REDIS_PASSWORD"] = sys.stdin.readline().strip()
    order = Order.of(sys.argv[1])
    settings = Settings.from_environment()
    crowd = [one for one in clients(order.plan) if one.tier]
    keys = {(str(one.tier), kind, getattr(one, kind)) for one in crowd for kind in ("user", "ip")}
    print("ready", flush=True)
    sys.stdin.readline()
    limiter = RateLimiter.from_settings(settings)
    deadline = time.monotonic() + _PATIENCE
    while not limiter.connect() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    for tier, kind, value in sorted(keys):
        sent = time.monotonic() - order.begin
        decision = limiter.test(tier, **{kind: value})
        while decision.source is Source.FALLBACK and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            sent = time.monotonic() - order.begin
            decision = limiter.test(tier, **{kind: value})
        told = {
            "sent": sent,
            "received": time.monotonic() - order.begin,
            "key": [tier, kind, value],
            "allowed": decision.allowed,
            "source": decision.source,
        }
        print(json.dumps(told), flush=True)
    print(flush=True)
    limiter.close()


if __name__ == "__main__":
    main()
