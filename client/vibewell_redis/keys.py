"""Under which keys a decision counts, and what of it does not depend on who asks."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from string import ascii_letters, digits
from typing import NamedTuple

from vibewell_redis import script
from vibewell_redis.decision import WindowStats
from vibewell_redis.limits import RateLimitItem

PREFIX = "rl"
_PLAIN = (ascii_letters + digits + "._:@/+-").encode()
_LONGEST_PLAIN = 48  # bytes
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DIGEST_BYTES = 16


def stem(prefix: str, item: RateLimitItem, kind: str) -> str:
    """What the keys of a tier and a kind of identifier begin with.

    The braces are a hash tag: in cluster mode all keys of a prefix lie in one slot, which lets one
    decision be atomic over a user's and an address's. Raises ValueError.
    """
    _check(prefix)
    _check(kind)
    # What was kept in other ticks must not be read as if it were in these.
    ticks = ".ms" if script.is_coarse(item.seconds) else ""
    return f"{{{prefix}}}:{item.name}{ticks}:{kind}:"


def trial(prefix: str) -> bytes:
    """A key that limits no client: it tries whether Redis is back. Raises ValueError."""
    _check(prefix)
    return f"{{{prefix}}}:trial".encode()


def cleared(prefix: str) -> bytes:
    """A key that holds when keys of the prefix were cleared last."""
    return f"{{{prefix}}}:cleared".encode()


def _check(word: str) -> None:
    if not _KIND.fullmatch(word):
        raise ValueError(
            f"{word!r} becomes part of a key: write 1 to 32 lower-case letters, digits and "
            "underscores, a letter first"
        )


def tail(value: str) -> bytes:
    """How the value of an identifier is written in the key: itself, or a digest of it.

    A user chooses it: whatever it holds, it reaches no other key than its own, and a long one
    takes no more memory than a short one. Raises ValueError for an empty one, and TypeError.
    """
    try:
        whole = value.encode("utf-8", "surrogatepass")
    except AttributeError:
        raise TypeError(
            f"an identifier is of the type {type(value).__name__}: write a string, as str(user.id)"
        ) from None
    # Stripped of what is allowed, nothing is left of a plain one: no test of it costs less.
    if len(whole) <= _LONGEST_PLAIN and whole and not whole.strip(_PLAIN):
        return whole
    if not whole:
        raise ValueError("an identifier is empty: everybody without one would share its limit")
    # A plain value never begins with '#', so that none can pass for a digest.
    digest = hashlib.blake2b(whole, digest_size=_DIGEST_BYTES)
    return b"#" + urlsafe_b64encode(digest.digest()).rstrip(b"=")


# Of the script's reply: whether it is admitted, then remaining and seconds for each limit.
Figures = tuple[int | float, ...]


class Limit(NamedTuple):
    """One tier's for one kind of identifier, and where the figures say what."""

    item: RateLimitItem
    kind: str
    remaining: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits of a decision: each window of each tier, for each kind of identifier.

    ``tiers`` are the tier of each limit. ``figures`` takes the script's reply apart. ``stems`` are
    what the keys begin with, and the kind of identifier that each ends with. ``outcomes`` counts
    what Redis said: denied, admitted.
    """

    names: tuple[str, ...]
    tiers: tuple[str, ...]
    limits: tuple[Limit, ...]
    stems: tuple[tuple[bytes, str], ...]
    policies: bytes
    figures: Callable[[bytes], Figures]
    outcomes: list[int] = field(default_factory=lambda: [0, 0])

    def where(self, identifiers: Mapping[str, str]) -> list[bytes]:
        """The key of each limit."""
        # A loop, since a comprehension is a function that is made and called, twice a decision.
        found = []
        for stem, kind in self.stems:
            found.append(stem + tail(identifiers[kind]))
        return found

    def windows(self, figures: Figures) -> tuple[WindowStats, ...]:
        """What the figures say of each limit."""
        # A named tuple's own constructor is a function in Python and costs twice the tuple's.
        new, found = tuple.__new__, []
        for item, kind, remaining, seconds in self.limits:
            found.append(new(WindowStats, (item, kind, figures[remaining], figures[seconds])))
        return tuple(found)


def plan_of(
    tiers: Mapping[str, RateLimitItem], prefix: str, names: Sequence[str], kinds: Sequence[str]
) -> Plan:
    """The plan of these tiers for these kinds. Raises ValueError, which says what is wrong."""
    if not names:
        raise ValueError("name at least one tier, for example hit('auth', user=…)")
    if not kinds:
        raise ValueError("give at least one identifier, for example hit('auth', user=…, ip=…)")
    if len(set(names)) < len(names):
        raise ValueError(f"a tier is named twice: {', '.join(names)}")
    for name in names:
        if name not in tiers:
            raise ValueError(f"there is no tier {name!r}: write one of {', '.join(tiers)}")
    each = [
        (name, item, kind) for name, kind in product(names, kinds) for item in tiers[name].windows
    ]
    if len(each) > script.MOST_KEYS:
        raise ValueError(f"one decision takes {script.MOST_KEYS} limits at most")
    limits = [
        Limit(item, kind, 2 * place + 1, 2 * place + 2)
        for place, (_, item, kind) in enumerate(each)
    ]
    return Plan(
        names=tuple(names),
        tiers=tuple(name for name, _, _ in each),
        limits=tuple(limits),
        stems=tuple((stem(prefix, one.item, one.kind).encode(), one.kind) for one in limits),
        policies=b"".join(script.policy(one.item.requests, one.item.seconds) for one in limits),
        figures=script.reply_of(len(limits)).unpack,
    )
