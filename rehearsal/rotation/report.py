"""The table that says what the clients lived through."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rehearsal.rotation.figures import Figures

_WIDTH = 42  # columns


def table(clients: int, figures: Figures, turns: Sequence[float]) -> str:
    """One line a figure; `turns` are the seconds from RotateSecret to the move of AWSCURRENT."""
    rows = (
        ("rotations", str(len(turns))),
        ("clients", str(clients)),
        ("commands sent", str(figures.commands)),
        ("commands failed", str(figures.failed)),
        ("longest time a command waited", f"{figures.longest * 1000:.0f} ms"),
        ("logins", str(figures.logins)),
        ("logins refused", str(figures.refused)),
        ("RotateSecret to AWSCURRENT moved, median", f"{median(turns):.1f} s"),
        ("RotateSecret to AWSCURRENT moved, longest", f"{max(turns):.1f} s"),
    )
    return "\n".join(f"    {name:<{_WIDTH}} {value:>9}" for name, value in rows)
