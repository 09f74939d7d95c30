"""The limiter beside limits, throttled-py and pyrate-limiter: speed, exactness, cost, in one run.

The parent process starts the server and judges. Each candidate runs in a process of its own, of
the trials' environment, which it keeps for all rounds: `measured` is what runs there.
"""
