"""The limiter next to limits and throttled-py: speed and cost, in one run.

The parent process starts the server and compares (`run`). Each candidate runs in a process of its
own (`measured`), in the benchmarks' environment, which it keeps for all rounds.
"""

USERS = 5000
THREADED = " in threads"  # behind a candidate's name: its form for threads


def user_and_address(number: int) -> tuple[str, str]:
    """A user with an address of its own."""
    return str(number), f"198.51.{number >> 8}.{number & 255}"
