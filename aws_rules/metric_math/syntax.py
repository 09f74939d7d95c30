"""The syntax of metric math: from an expression's text to a tree.

Source: CloudWatch user guide, "Metric math syntax and functions". Function names are upper case,
ids begin with a lower-case letter. Powers, AND and OR are left out: no alarm here uses them.
Python's own parser reads it, as the signs, their order and the brackets are the same.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_WORDS = re.compile(
    r"(?:\s+|(?:\d+(?:\.\d*)?|\.\d+)(?!\w)|[A-Za-z]\w*|[=!]=|[<>]=?|[-+*/()\[\],])*", re.ASCII
)
_ONLY_PYTHON = re.compile(r",\s*[\])]|\)\s*\(")  # a comma before a closing bracket, `(A)(b)`
_SIGNS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


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
    known = _WORDS.match(text)
    end = known.end() if known else 0
    if end < len(text):
        raise MetricMathError(f"metric math {text!r}: {text[end]!r} is not known")
    if wrong := _ONLY_PYTHON.search(text):
        raise MetricMathError(f"metric math {text!r}: {wrong[0]!r} is not allowed")
    # With a sign before it no name is a word of Python's own; its lines are one line.
    python = " ".join(_NAME.sub(r"_\g<0>", text).split())
    try:
        return _tree(ast.parse(python, mode="eval").body)
    except (SyntaxError, MetricMathError) as problem:
        raise MetricMathError(f"metric math {text!r}: not an expression ({problem})") from None


def _tree(node: ast.expr) -> Tree:
    match node:
        case ast.Constant(value=int() | float() as value):
            return Number(float(value))
        case ast.Name(id=name):
            return Call(name[1:], ()) if name[1].isupper() else Reference(name[1:])
        case ast.List(elts=[_, *_] as items):
            return Array(tuple(map(_tree, items)))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]):
            if name[1].isupper():
                return Call(name[1:], tuple(map(_tree, arguments)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Operation("*", Number(-1), _tree(operand))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return Operation(_SIGNS[type(sign)], _tree(left), _tree(right))
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return Operation(_SIGNS[type(sign)], _tree(left), _tree(right))
    raise MetricMathError(f"{ast.dump(node)} is not metric math")
