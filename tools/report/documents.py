"""The project's own documents as HTML, with links that lead to the repository."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

from markdown_it import MarkdownIt
from markupsafe import Markup

from tools.assembly import text_of

ONLY_AWS = "What only AWS can show"
COMMITTED = "Save it as UTF-8, or take the committed one again."
_TO_MARKDOWN = MarkdownIt("commonmark", {"html": False})


class OnlyAws(NamedTuple):
    """What one document says that only AWS can show."""

    document: str
    intro: Markup
    limits: list[Markup]


def only_aws(docs: Path, home: str) -> list[OnlyAws]:
    """Of every document that has such a section; ``home`` is the web address of ``docs``."""
    found = []
    for file in sorted(docs.rglob("*.md")):
        text = text_of(file, COMMITTED)
        if limits := section(text, ONLY_AWS):
            place = home and urljoin(home, f"{file.parent.relative_to(docs)}/")
            paragraphs, listed = limits.split("\n\n"), items(limits)
            intro = paragraphs[0] if listed and not limits.startswith("- ") else ""
            linked = [inline(item, place) for item in listed or paragraphs]
            title = text.split("\n", 1)[0].lstrip("# ").strip()
            found.append(OnlyAws(title, inline(intro, place), linked))
    return found


def inline(text: str, home: str) -> Markup:
    """Markdown without a paragraph around it; ``home`` is where its links start, "" for no link."""
    html = _TO_MARKDOWN.renderInline(text)
    if home:
        html = re.sub(r'href="([^"]*)"', lambda link: f'href="{urljoin(home, link[1])}"', html)
    else:
        html = re.sub(r"</?a\b[^>]*>", "", html)
    return Markup(html)  # noqa: S704 - markdown-it escaped it


def items(text: str) -> list[str]:
    """The items of the list in ``text``, or the rows of its table of two columns."""
    found = re.findall(r"^- (.*?)(?=^- |^\S|\Z|^$)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    found += [f"{left}. {rows[0][1].capitalize()}: {right}" for left, right in rows[1:]]
    return [" ".join(item.split()) for item in found]


def section(document: str, heading: str) -> str:
    """The text under a heading of the second level, "" where there is no such heading."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""
