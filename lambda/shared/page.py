"""A report as one HTML page: light or dark as its reader's screen, on a telephone too.

No script, nothing from the network: it is opened from the S3 console, years later too.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_STYLE = """
:root{color-scheme:light dark;--text:#1b1f24;--soft:#59636e;--page:#fff;--card:#f6f8fa;
--line:#d1d9e0;--good:#1a7f37;--bad:#cf222e;--note:#9a6700}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9198a1;--page:#0d1117;
--card:#151b23;--line:#3d444d;--good:#3fb950;--bad:#f85149;--note:#d29922}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--page);
color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;line-height:1.25;margin:0}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
p{margin:.5rem 0}
.soft{color:var(--soft)}
.lead{font-size:1.1rem}
.good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--note)}
table{width:100%;border-collapse:collapse;font-size:.94rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600}
a{color:inherit}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
svg{max-width:100%;height:auto}
details{margin:.5rem 0}
summary{cursor:pointer}
@media (max-width:40rem){
thead{display:none}
table,tbody,tr,td{display:block}
tr{margin:.6rem 0;padding:.3rem 0;background:var(--card);border:1px solid var(--line);
border-radius:.4rem}
td{border:0;padding:.2rem .7rem}
td::before{content:attr(data-head);display:block;color:var(--soft);font-size:.8rem}
td:empty{display:none}
}
"""


class Link(NamedTuple):
    """A cell that leads somewhere: an https address, and what stands there."""

    address: str
    text: str


Cell = str | Link


def page(title: str, about: str, parts: Iterable[str]) -> str:
    """The whole page; ``about`` is a line below the title, ``parts`` are HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="soft">{escape(about)}</p>\n'
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
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
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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
