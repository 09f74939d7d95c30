"""Under which key a limit counts."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from string import ascii_letters, digits

from vibewell_redis.limits import RateLimitItem
from vibewell_redis.script import is_coarse

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
    ticks = ".ms" if is_coarse(item.seconds) else ""
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
