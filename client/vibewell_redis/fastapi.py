"""Limits as dependencies of FastAPI's routes, routers and applications."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from fastapi import Depends

from vibewell_redis import routes
from vibewell_redis.decision import Decision
from vibewell_redis.routes import Given, RateLimitExceeded, client_ip, client_user

__all__ = ["RateLimitExceeded", "client_ip", "client_user", "limit"]


def limit(*tiers: Any, **identifiers: Given) -> Any:
    """A dependency: ``Depends(limit("auth", user=current_user_id, ip=client_ip))``.

    As the decorator, but for functions, which are dependencies themselves: FastAPI gives them what
    they ask for. It gives the decision, or None when the request is not limited; a denied request
    raises RateLimitExceeded. Raises TypeError for ``refused``, which a dependency cannot return.
    """
    if "refused" in identifiers:
        raise TypeError(
            "limit(refused=…) is of the decorator in vibewell_redis.routes: what a dependency "
            "returns is no response. Write an exception handler for RateLimitExceeded"
        )
    given = {f"tiers{place}": tier for place, tier in enumerate(tiers)} | identifiers
    depends = {name: value for name, value in given.items() if callable(value)}

    async def dependency(**found: Any) -> Decision | None:
        values = {**given, **found}
        names = [values.pop(f"tiers{place}") for place in range(len(tiers))]
        chosen = names[0] if depends.get("tiers0") else tuple(names)
        decision = await routes.limit(lambda: chosen, **values).decide({})
        if decision is not None and not decision.allowed:
            raise routes.exceeded(decision)
        return decision

    routes.limit(*tiers)  # which refuses what makes no sense
    dependency.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=Depends(value))
            for name, value in depends.items()
        ]
    )
    return dependency
