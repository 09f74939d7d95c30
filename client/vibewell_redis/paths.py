"""Which tiers a request belongs to, by its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

Tiers = str | tuple[str, ...] | None

# What servers and routers read in more than one way: empty and dot segments, backslashes,
# parameters, a second round of escapes, a query in the path, and control characters and spaces at
# the end of a segment: `$` in Starlette's patterns matches before a newline.
_AMBIGUOUS = re.compile(r"//|/\.{1,2}(?:/|$)|[\\;%?#\x00-\x1f\x7f]|\s(?:/|$)")
# In a path that is still escaped, the escapes of all these. The others of ASCII only differ for a
# router that matches what is escaped; those of UTF-8 make no other path.
_AMBIGUOUS_ESCAPE = re.compile(r"%(?:2[ef35]|5c|3[bf]|[01].|7f)", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-7]")
_ESCAPED_ESCAPES = re.compile(r"%(?:25)+")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f]+")
_PARAMETERS = re.compile(r"[;?#]")
_MOST_ROUNDS = 4  # of unescaping: what changes after these is escaped to deceive
_LONGEST = 2048  # characters of an ambiguous path that are worth a closer look


def tiers_by_path(prefixes: Mapping[str, Tiers]) -> Callable[[Mapping[str, Any]], Tiers]:
    """The tiers of an ASGI scope: those of the longest prefix of whole segments of its path.

    ``{"/": "general", "/login": ("auth", "general"), "/healthz": None}``: /login/reset belongs to
    /login, /login-help to /. None is not limited. Prefixes are written with the scope's root_path
    in front or without it.

    Routers read some paths differently: //login, /%2Flogin, /x/../login, /LOGIN, /login;x. Such a
    request gets the tiers of every prefix that a router could serve it under, in one decision. So
    no way of writing a path gets a weaker limit. Raises ValueError: every path must have a tier, or
    be unlimited on purpose.
    """
    for prefix in prefixes:
        if not prefix.startswith("/") or (prefix != "/" and prefix.endswith("/")):
            raise ValueError(f"{prefix!r} is no path prefix: write for example /login")
    if "/" not in prefixes:
        raise ValueError("no tier for all other paths: write '/' with its tier, or with None")
    return _Table(prefixes).tiers


def no_tier(scope: object) -> Tiers:
    """Limits no path: routes alone are limited."""
    del scope
    return None


def check_tiers(tiers: Callable[..., Any], limiter: object) -> None:
    """Raises ValueError for a table by path that names a tier which the limiter has not."""
    table, known = getattr(tiers, "__self__", None), getattr(limiter, "tiers", None)
    if isinstance(table, _Table) and known is not None:
        for name in table.names:
            if name not in known:
                raise ValueError(
                    f"tiers_by_path: there is no tier {name!r}: write one of {', '.join(known)}"
                )


class _Table:
    def __init__(self, prefixes: Mapping[str, Tiers]) -> None:
        # "/" has no segment: every path begins with it.
        self._exact = {prefix.rstrip("/"): tiers for prefix, tiers in prefixes.items()}
        self.names = dict.fromkeys(name for tiers in prefixes.values() for name in _names(tiers))
        self._folded: dict[str, Tiers] = {}
        for prefix, tiers in self._exact.items():
            folded = _fold(prefix)
            both = {tiers, self._folded.get(folded, tiers)}
            self._folded[folded] = tiers if len(both) == 1 else self._union(both)
        self._words = [(prefix.split("/")[1:], tiers) for prefix, tiers in self._folded.items()]
        self._depth = 1 + max(len(words) for words, _ in self._words)

    def tiers(self, scope: Mapping[str, Any]) -> Tiers:
        """The tiers of every reading of the path; the table's own where all readings agree."""
        path: str = scope["path"] or "/"
        raw = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0]
        root: str = (scope.get("root_path") or "").rstrip("/")
        text = unquote(raw) or path  # the path too, unless a proxy has changed one of them
        plain = [path] if text == path else [path, text]
        readings = [*plain, raw] if _ESCAPE.search(raw) and raw not in plain else plain
        # Django, Quart, Litestar and WSGI bridges cut the root in the middle of a segment too, or
        # where it is first found: for them /apilogin and /x/api/login are /login below /api.
        cut = [
            "/" + each.split(root, 1)[1].lstrip("/")
            for each in readings
            if root and root in each and not _is_below(root, each)
        ]
        found = [tiers for each in readings for tiers in self._below(root, each)]
        found += [tiers for each in cut for tiers in self._below("", each)]
        if _AMBIGUOUS_ESCAPE.search(raw) or any(map(_is_ambiguous, plain)):
            found += self._possible(readings + cut)
        return found[0] if len(set(found)) == 1 else self._union(found)

    def _below(self, root: str, path: str) -> Iterator[Tiers]:
        """Prefixes may be written from any part of the root on; "/" counts if no other does."""
        whole = path if _is_below(root, path) else root + path
        starts = [0, *(at.end() for at in re.finditer(r"/[^/]*", root))]
        for table, text in ((self._exact, whole), (self._folded, _fold(whole))):
            if table is self._exact or text != whole or self._folded.keys() != self._exact.keys():
                matches = [self._longest(table, text[start:]) for start in starts]
                yield from [table[prefix] for prefix in matches if prefix] or [table[""]]

    def _longest(self, table: Mapping[str, Tiers], path: str) -> str:
        """The longest prefix of whole segments."""
        words = path.split("/", self._depth)[: self._depth]
        while (prefix := "/".join(words)) not in table:
            words.pop()
        return prefix

    def _possible(self, sources: Iterable[str]) -> Iterator[Tiers]:
        """The tiers of each prefix whose segments occur in this order.

        Whatever a router makes of a path, it leaves segments out or cuts them.
        """
        for source in sources:
            segments = _segments(source)
            for words, tiers in self._words:
                rest = iter(segments or ())
                if segments is None or all(any(word in forms for forms in rest) for word in words):
                    yield tiers

    def _union(self, found: Iterable[Tiers]) -> Tiers:
        """All of them, in the order of the table: few combinations, whatever a client writes."""
        wanted = {name for tiers in found for name in _names(tiers)}
        union = tuple(name for name in self.names if name in wanted)
        return union if len(union) > 1 else union[0] if union else None


def _names(tiers: Tiers) -> tuple[str, ...]:
    return (tiers,) if isinstance(tiers, str) else tiers or ()


def _fold(path: str) -> str:
    return path.lower() if path.isascii() else normalize("NFKC", path).casefold()


def _is_below(root: str, path: str) -> bool:
    return not root or f"{path}/".startswith(f"{root}/")


def _is_ambiguous(path: str) -> bool:
    texts = {path, path if path.isascii() else _fold(path)}
    return any(map(_AMBIGUOUS.search, texts)) or not (path.startswith("/") or path == "*")


def _segments(path: str) -> list[tuple[str, ...]] | None:
    """Each segment in the forms that it may be read in; None: it cannot be said what they are."""
    if not path.startswith("/") or len(path) > _LONGEST:
        return None  # a URL with a host, of which routers take one part or another; or a flood
    for _ in range(_MOST_ROUNDS):
        before, path = path, unquote(_ESCAPED_ESCAPES.sub("%", path))
        if path == before:
            break
    else:
        return None
    plain = _INVISIBLE.sub("", _fold(path)).replace("\\", "/")
    return [(each, _PARAMETERS.split(each, maxsplit=1)[0]) for each in plain.split("/") if each]
