"""Which tiers a request belongs to, by its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Tiers = str | tuple[str, ...] | None


def tiers_by_path(prefixes: Mapping[str, Tiers]) -> Callable[[Mapping[str, Any]], Tiers]:
    """The tiers of an ASGI scope: those of the longest prefix of whole segments of its path.

    ``{"/": "general", "/login": ("auth", "general"), "/healthz": None}``: /login/reset belongs to
    /login, /login-help to /. None is not limited. Raises ValueError: every path must have a tier,
    or be unlimited on purpose.
    """
    for prefix in prefixes:
        if not prefix.startswith("/") or (prefix != "/" and prefix.endswith("/")):
            raise ValueError(f"{prefix!r} is no path prefix: write for example /login")
    if "/" not in prefixes:
        raise ValueError("no tier for all other paths: write '/' with its tier, or with None")
    # Longest first, and "/" last, which every path begins with.
    ordered = sorted(
        ((prefix.rstrip("/"), tiers) for prefix, tiers in prefixes.items()),
        key=lambda pair: -len(pair[0]),
    )
    exact = dict(prefixes)

    def tiers(scope: Mapping[str, Any]) -> Tiers:
        path = scope["path"]
        if path in exact:
            return exact[path]
        for prefix, found in ordered:
            if path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"):
                return found
        return exact["/"]

    return tiers
