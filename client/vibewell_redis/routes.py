"""Limits on the route: a decorator for whatever function answers the request.

It belongs to the function and not to a path, so that no way of writing a path gets around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, Signature, isawaitable, iscoroutinefunction, signature
from math import ceil
from typing import Any, TypeVar, cast

from vibewell_redis.client_address import UnknownClientError
from vibewell_redis.deciding import at_once
from vibewell_redis.decision import Decision
from vibewell_redis.headers import Headers, Refusal, rate_limit_headers, refusal
from vibewell_redis.paths import Tiers

Identifiers = dict[str, str]
Identify = Callable[[Mapping[str, Any]], Any] | None


class Request:
    """One request. ``limiter`` gives the limiter, which may have to be awaited."""

    __slots__ = (
        *("_address", "_identifiers", "_scope", "_user"),
        *("decisions", "is_refused", "limiter", "loop"),
    )

    def __init__(
        self,
        scope: Mapping[str, Any],
        limiter: Callable[[], Any],
        user: Identify,
        address: Identify,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.limiter, self.loop = limiter, loop
        self.decisions: list[Decision] = []
        self.is_refused = False  # by an exception that is on its way to the middleware
        self._scope, self._user, self._address = scope, user, address
        self._identifiers: Identifiers | None = None

    @property
    def denied(self) -> Decision:
        """The decision that refuses the request: others may have been made after it."""
        return next(one for one in reversed(self.decisions) if not one.allowed)

    async def identifiers(self) -> Identifiers:
        """The user and the address that the middleware's functions give. They are asked once."""
        if self._identifiers is None:
            found: Identifiers = {}
            for kind, find in (("user", self._user), ("ip", self._address)):
                value = None if find is None else await settled(find(self._scope))
                # A user "" or False is none; an id as 0 is refused where it is used.
                if value is not None and not (kind == "user" and (value is False or value == "")):
                    found[kind] = value
            self._identifiers = found
        return self._identifiers

    async def decide(
        self, tiers: str | tuple[str, ...], identifiers: Identifiers, limiter: Any = None
    ) -> Decision:
        """One decision over these. Raises UnknownClientError without an identifier."""
        if not identifiers:
            raise UnknownClientError(
                "neither a user nor an address: give this request's tier as None if it is not "
                "to be limited"
            )
        names = (tiers,) if isinstance(tiers, str) else tiers
        limiter = limiter or await settled(self.limiter())
        decision: Decision = await settled(limiter.hit(*names, **identifiers))
        self.decisions.append(decision)
        return decision

    def headers(self, own: Iterable[str]) -> Headers:
        """The fields of all decisions; of a refusal those of the one that denied alone.

        ``own`` are the names that the response has: a refusal that the application answered itself
        has these fields.
        """
        decisions = self.decisions
        if decisions and not decisions[-1]:
            decisions = [] if "ratelimit-policy" in map(str.lower, own) else decisions[-1:]
        fields: dict[str, list[str]] = {}
        for decision in decisions:
            for name, value in rate_limit_headers(decision):
                fields.setdefault(name, []).append(value)
        return [(name, ", ".join(values)) for name, values in fields.items()]


current: ContextVar[Request | None] = ContextVar("vibewell_redis_request", default=None)


def current_request() -> Request:
    """The request that is being answered. Raises RuntimeError where there is none."""
    request = current.get()
    if request is None:
        raise RuntimeError(
            "no RateLimitMiddleware is around this application, so that no limiter is known: wrap "
            "the application in that of vibewell_redis.asgi or vibewell_redis.wsgi"
        )
    return request


async def client_ip() -> str | None:
    """The client's address, as the middleware finds it: ``limit("auth", ip=client_ip)``."""
    return (await current_request().identifiers()).get("ip")


async def client_user() -> str | None:
    """The user who is logged in, as the middleware finds it: ``user=client_user``."""
    return (await current_request().identifiers()).get("user")


async def settled(found: Any) -> Any:
    """The value, awaited if it must be."""
    return await found if isawaitable(found) else found


__all__ = ["RateLimitExceeded", "client_ip", "client_user", "limit"]

Handler = TypeVar("Handler", bound=Callable[..., Any])
# A text, or a function of the handler's arguments of the same names, which may be a coroutine's.
Given = str | Callable[..., Any] | None
_VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
# No decision waits longer than its deadline, and no start than five seconds (seconds).
_LONGEST = 70.0


class RateLimitExceeded(Exception):  # noqa: N818 - the name that slowapi and others use
    """A limit denies the request. The middleware answers it with what ``refusal`` says."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"try again in {ceil(decision.retry_after)} s")
        self.decision = decision


class limit:  # noqa: N801 - a decorator
    """Limits each call of a function: ``@limit("auth", user=lambda name: name, ip=client_ip)``.

    Tiers are names, or one function that gives what ``tiers`` of the middleware may give: a name,
    several, or None for this request is not limited. Identifiers are texts or functions; None is
    left out. Functions are given those of the handler's arguments that they name, and may be
    coroutine functions where the handler is one. Without identifiers the middleware's count: the
    user and the address.

    The limiter is that of the RateLimitMiddleware around the application, which puts the fields on
    whatever the handler returns; or ``limiter``, where there is no middleware. A denied call raises
    RateLimitExceeded, or returns what ``refused`` makes of the refusal, in the framework's terms.

    Raises TypeError for a function whose arguments the handler has not, when it is decorated.
    """

    def __init__(
        self,
        *tiers: str | Callable[..., Any],
        refused: Callable[[Refusal], Any] | None = None,
        limiter: Any = None,
        **identifiers: Given,
    ) -> None:
        if any(map(callable, tiers)) and len(tiers) > 1:
            raise TypeError("limit: write the names of tiers, or one function that gives them")
        if not tiers:
            raise TypeError('limit: name at least one tier, for example limit("auth")')
        self._tiers = tiers
        self._refused = refused
        self._limiter = limiter
        self._identifiers = identifiers

    def __call__(self, handler: Handler) -> Handler:
        """The handler, limited."""
        form = signature(handler)
        for name, given in {"tiers": self._tiers[0], **self._identifiers}.items():
            _check(handler, form, name, given)

        if iscoroutinefunction(self._refused) and not iscoroutinefunction(handler):
            raise TypeError(f"limit(refused=…) must be a plain function, as {handler.__qualname__}")
        if iscoroutinefunction(handler):

            @wraps(handler)
            async def limited(*args: Any, **kwargs: Any) -> Any:
                decision = await self.decide(_arguments(form, args, kwargs))
                if decision is None or decision:
                    return await handler(*args, **kwargs)
                return await settled(self._answer(decision))
        else:

            @wraps(handler)
            def limited(*args: Any, **kwargs: Any) -> Any:
                request = current.get()
                work = self.decide(_arguments(form, args, kwargs))
                decision = _wait(work, None if request is None else request.loop)
                admitted = decision is None or decision
                return handler(*args, **kwargs) if admitted else self._answer(decision)

        return cast("Handler", limited)

    async def decide(self, arguments: Mapping[str, Any]) -> Decision | None:
        """The decision, None when the request is not limited, with the handler's arguments."""
        first = self._tiers[0]
        named = cast("tuple[str, ...]", self._tiers)
        tiers: Tiers = await _value(first, arguments) if callable(first) else named
        if tiers is None:
            return None
        request = current_request() if self._limiter is None else current.get()
        if request is None:
            request = Request({}, lambda: self._limiter, None, None)
        if self._identifiers:
            found = self._identifiers.items()
            values = {kind: await _value(given, arguments) for kind, given in found}
            identifiers = {kind: value for kind, value in values.items() if value is not None}
        else:
            identifiers = await request.identifiers()
        return await request.decide(tiers, identifiers, self._limiter)

    def _answer(self, denied: Decision) -> Any:
        if self._refused is not None:
            return self._refused(refusal(denied))
        raise exceeded(denied)


def exceeded(denied: Decision) -> RateLimitExceeded:
    """The exception, of which the middleware knows that it is coming."""
    if (request := current.get()) is not None:
        request.is_refused = True
    return RateLimitExceeded(denied)


def _check(handler: Callable[..., Any], form: Signature, name: str, given: object) -> None:
    if not callable(given) or any(one.kind in _VARIABLE for one in form.parameters.values()):
        return
    own = form.parameters
    missing = [each for each, needed in _named(given).items() if needed and each not in own]
    if missing:
        raise TypeError(
            f"limit({name}=…) takes {', '.join(missing)}, which {handler.__qualname__} does not: "
            f"its arguments are {', '.join(own) or 'none'}"
        )


def _named(given: Callable[..., Any]) -> dict[str, bool]:
    """The arguments that a function names, and whether it needs them."""
    own = signature(given).parameters.items()
    return {name: one.default is Parameter.empty for name, one in own if one.kind not in _VARIABLE}


def _arguments(form: Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        bound = form.bind(*args, **kwargs)
    except TypeError:
        return dict(kwargs)  # the handler itself says what is wrong
    bound.apply_defaults()
    arguments: dict[str, Any] = dict(bound.arguments)
    for name, one in form.parameters.items():
        if one.kind is Parameter.VAR_KEYWORD:
            arguments |= arguments.pop(name)
    return arguments


async def _value(given: Given, arguments: Mapping[str, Any]) -> Any:
    if not callable(given):
        return given
    about = {name: arguments[name] for name in _named(given) if name in arguments}
    return await settled(given(**about))


def _wait(work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop | None) -> Any:
    """The result for a plain function, which frameworks run in a thread next to the event loop."""
    if loop is None:
        return at_once(work)
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        work.close()
        raise RuntimeError(
            "a limited plain function is called in the event loop, which it would hold up: write "
            "async def, or have the framework run it in a thread"
        )
    return asyncio.run_coroutine_threadsafe(settled(work), loop).result(_LONGEST)
