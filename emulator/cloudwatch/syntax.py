"""The syntax of metric math: from an expression's text to a tree.

Source: CloudWatch user guide, "Metric math syntax and functions". Function names are upper case,
ids begin with a lower-case letter. Powers, AND and OR are left out: no alarm here uses them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z]\w*)|(?P<sign>==|!=|<=|>=|[-+*/<>()\[\],]))"
)
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


class MetricMathError(ValueError):
    """An expression that CloudWatch would refuse, or one that this evaluator does not know."""


@dataclass(frozen=True)
class Number:
    """A scalar, as written."""

    value: float


@dataclass(frozen=True)
class Reference:
    """The id of another query of the same alarm."""

    name: str


@dataclass(frozen=True)
class Array:
    """Several series, `[a, b]`."""

    items: tuple[Tree, ...]


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True)
class Operation:
    """Two operands and the sign between them."""

    sign: str
    left: Tree
    right: Tree


Tree = Number | Reference | Array | Call | Operation


def parse(text: str) -> Tree:
    """The tree of one expression. Raises MetricMathError where the text is none."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def whole(self) -> Tree:
        tree = self._comparison()
        if self._next():
            raise self._error(f"{self._next()!r} is one too many")
        return tree

    def _comparison(self) -> Tree:
        tree = self._sum()
        if self._next() in _COMPARISONS:
            tree = Operation(self._take(), tree, self._sum())
        return tree

    def _sum(self) -> Tree:
        tree = self._product()
        while self._next() in ("+", "-"):
            tree = Operation(self._take(), tree, self._product())
        return tree

    def _product(self) -> Tree:
        tree = self._atom()
        while self._next() in ("*", "/"):
            tree = Operation(self._take(), tree, self._atom())
        return tree

    def _atom(self) -> Tree:
        word = self._take()
        if word == "-":
            return Operation("*", Number(-1), self._atom())
        if word == "(":
            tree = self._comparison()
            self._expect(")")
            return tree
        if word == "[":
            return Array(self._list("]"))
        if word[:1].isdigit() or word[:1] == ".":
            return Number(float(word))
        if word[:1].isupper():
            if self._next() != "(":
                return Call(word, ())
            self._take()
            return Call(word, self._list(")"))
        if word[:1].islower():
            return Reference(word)
        raise self._error(f"{word!r} stands where a value should")

    def _list(self, end: str) -> tuple[Tree, ...]:
        items = [self._comparison()]
        while self._next() == ",":
            self._take()
            items.append(self._comparison())
        self._expect(end)
        return tuple(items)

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        word = self._next()
        self._at += 1
        return word

    def _expect(self, word: str) -> None:
        found = self._take()
        if found != word:
            raise self._error(f"{word!r} is missing before {found!r}")

    def _error(self, why: str) -> MetricMathError:
        return MetricMathError(f"metric math {self._text!r}: {why}")


def _tokens(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise MetricMathError(f"metric math {text!r}: {text[at:].lstrip()[0]!r} is not known")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens
