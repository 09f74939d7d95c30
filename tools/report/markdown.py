"""The project's own documents as HTML, with links that lead to the repository."""

import re
from urllib.parse import urljoin

from markdown_it import MarkdownIt
from markupsafe import Markup

_TO_MARKDOWN = MarkdownIt("commonmark", {"html": False})


class Documents:
    """``home`` is the web address of the repository's docs/; "" leaves relative links as text.

    ``folder`` is the folder below docs/ that the rendered text's links are relative to.
    """

    def __init__(self, home: str, folder: str = "") -> None:
        self._home = home and urljoin(home, f"{folder}/")

    def inline(self, text: str) -> Markup:
        """One line, without a paragraph around it."""
        return self._linked(_TO_MARKDOWN.renderInline(text))

    def items(self, text: str) -> list[Markup]:
        """The items of the list in ``text``, or the rows of its table of two columns."""
        items = re.findall(r"^- (.*?)(?=^- |^\S|\Z|^$)", text, re.MULTILINE | re.DOTALL)
        rows = re.findall(r"^\| (.*?) \| (.*?) \|$", text, re.MULTILINE)
        items += [f"{left}. {rows[0][1].capitalize()}: {right}" for left, right in rows[1:]]
        return [self.inline(" ".join(item.split())) for item in items]

    def _linked(self, html: str) -> Markup:
        if not self._home:
            return Markup(re.sub(r"</?a\b[^>]*>", "", html))  # noqa: S704 - markdown-it escaped it
        return Markup(  # noqa: S704 - the same
            re.sub(r'href="([^"]*)"', lambda link: f'href="{urljoin(self._home, link[1])}"', html)
        )


def section(document: str, heading: str) -> str:
    """The text under a heading of the second level, "" where there is no such heading."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""


def title(document: str) -> str:
    """The words of the first heading."""
    return document.split("\n", 1)[0].lstrip("# ").strip()
