"""A report as one HTML page: light or dark as its reader's screen, on a telephone too.

No script, nothing from the network: it is opened from the S3 console, years later too.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

_STYLE = Path(__file__).with_name("page.css")


class Link(NamedTuple):
    """A cell with a link: an https address and its text."""

    address: str
    text: str


Cell = str | Link


def page(title: str, about: str, parts: Iterable[str], style: str = "") -> str:
    """The whole page; ``about`` is a line below the title, ``parts`` are HTML."""
    head = f'<h1>{escape(title)}</h1>\n<p class="soft">{escape(about)}</p>\n'
    return document(title, head + "\n".join(parts), style)


def document(title: str, body: str, style: str = "") -> str:
    """Any page's HTML around ``body``; ``style`` is what it needs in addition to page.css."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE.read_text()}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    """A section's."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """``kind`` is "", "lead", "soft", "good", "bad" or "note"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], kinds: Sequence[str] = ()) -> str:
    """Plain text or links in cells; ``kinds`` colours each row's first, as a paragraph's does.

    On a telephone each row is a card, and each cell carries its head.
    """
    body = "".join(
        _row(heads, row, kinds[number] if number < len(kinds) else "")
        for number, row in enumerate(rows)
    )
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def folded(summary: str, parts: Iterable[str]) -> str:
    """What is there for whoever asks: closed until it is opened."""
    return f"<details><summary>{escape(summary)}</summary>\n{''.join(parts)}\n</details>"


def _row(heads: Sequence[str], cells: Sequence[Cell], kind: str) -> str:
    return "<tr>{}</tr>".format(
        "".join(
            f'<td data-head="{escape(head)}"{_class(kind) if not column else ""}>{_cell(cell)}</td>'
            for column, (head, cell) in enumerate(zip(heads, cells, strict=True))
        )
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    return f'<a href="{escape(cell.address)}">{escape(cell.text)}</a>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
