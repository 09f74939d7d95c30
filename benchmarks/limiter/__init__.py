"""The limiter next to limits and throttled-py: speed and cost, in one run.

The parent process starts the server and compares. Each candidate runs in a process of its own, in
the benchmarks' environment, which it keeps for all rounds: `measured` is what runs there.
"""
