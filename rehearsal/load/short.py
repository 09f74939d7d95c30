"""The load test in sixteen seconds: the same code, a hundred users, windows of three seconds."""

from rehearsal.load.plan import Plan

SHORT = Plan(
    users=100,
    think=1.0,
    spawn_rate=50,
    tiers={
        "general": (24, 3),
        "auth": (6, 3),
        "sensitive": (4, 3),
        "admin": (30, 3),
        "mfa": (2, 3),
        "financial": (5, 3),
    },
    replica_lost=6,
    primary_lost=9,
    silence=0.3,
    end=15,
    # Other work runs beside: what it takes of the machine is no fault of the limiter's.
    deadline_ms=250,
)
