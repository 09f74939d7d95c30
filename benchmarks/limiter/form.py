"""How long and how thorough a run is."""

from __future__ import annotations

from dataclasses import dataclass

LIBRARIES = ("limits moving", "limits counter", "throttled-py", "pyrate-limiter")
OURS = "ours"
YARDSTICKS = ("no-op", "floor")


@dataclass(frozen=True)
class Form:
    """`libraries` are those that ours is compared with, `attacked` those that are too."""

    rounds: int
    seconds: float  # of one measurement of speed
    arrival_seconds: float
    attack_seconds: float
    flood_seconds: float
    thread_rounds: int
    thread_seconds: float
    libraries: tuple[str, ...] = LIBRARIES
    attacked: tuple[str, ...] = LIBRARIES


FULL = Form(
    rounds=5,
    seconds=0.8,
    arrival_seconds=2.0,
    attack_seconds=10.0,
    flood_seconds=1.5,
    thread_rounds=7,
    thread_seconds=1.2,
)
# For a test: it checks that all is measured, not how fast this machine is at the moment.
SHORT = Form(
    rounds=1,
    seconds=0.25,
    arrival_seconds=0.5,
    attack_seconds=3.0,
    flood_seconds=0.3,
    thread_rounds=1,
    thread_seconds=0.2,
    libraries=("limits counter",),
    attacked=(),
)
