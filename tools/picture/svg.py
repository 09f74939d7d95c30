"""Cards and arrows on one SVG canvas; every position and length is in its pixels."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import NamedTuple

NAMESPACE = "http://www.w3.org/2000/svg"
PAD, LINE = 16, 18
_CHARACTER_EM = 0.6  # the average width of a character, in the widest of the style sheet's fonts
_SIZES = {"title": 22, "name": 14, "soft": 11}
# Drawn in a square of 28, the lock in 10 by 12.
_GLYPHS = {
    "servers": "M7 8h14v5H7zM7 15h14v5H7zM10 10.5h.1M10 17.5h.1",
    "database": "M7.5 9.5a6.5 2.6 0 1 0 13 0a6.5 2.6 0 1 0-13 0v9a6.5 2.6 0 0 0 13 0v-9"
    "M7.5 14a6.5 2.6 0 0 0 13 0",
    "token": "M8 13h12v8H8zM10.5 13v-2.5a3.5 3.5 0 0 1 7 0V13M14 16.3v1.6",
    "settings": "M7 10h6M17 10h4M7 18h3M14 18h7M13 10a2 2 0 1 0 4 0a2 2 0 1 0-4 0"
    "M10 18a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
    "key": "M7 17a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M13 14.5l7-7M17 10.5l2.5 2.5",
    "snapshot": "M7 10h3.5l1.5-2h4l1.5 2H21v10H7zM11 15a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "logs": "M9 6.5h7l4 4v11H9zM12 12h4M12 15h5M12 18h5",
    "functions": "M9 7h2.5l6 14H20M13 13L9 21",
    "alarm": "M9 18v-5a5 5 0 0 1 10 0v5l1.5 1.5h-13zM12.7 22h2.6",
    "dashboard": "M7 7v14h14M10 17l3.5-4 3 2.5L20.5 10",
    "topic": "M7 12v4h3l7 4V8l-7 4zM20 11.5a4 4 0 0 1 0 5",
    "Slack": "M11.5 7L10 21M18 7l-1.5 14M8 11.5h13M7 16.5h13",
    "PagerDuty": "M10 21.5h8V6.5h-8zM13 9h2M13.5 19h1",
    "lock": "M1 5.5h8v6H1zM2.8 5.5V3.5a2.2 2.2 0 0 1 4.4 0v2",
}

Point = tuple[float, float]


class Card(NamedTuple):
    """A sign on a tile of one tone ("" for none), a name, and details: one line each.

    ``encrypted`` with the customer managed key; ``used`` where an arrow leads to it.
    """

    glyph: str
    tone: str
    lines: list[str]
    encrypted: bool = False
    used: bool = True

    @property
    def height(self) -> int:
        """What its lines need."""
        return LINE * (len(self.lines) + 1)


class Canvas:
    """What is drawn later covers what is drawn earlier; all texts are escaped."""

    def __init__(self) -> None:
        self._shapes: list[str] = []

    def box(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        """A rounded rectangle; ``kind`` is a class of the style sheet."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._shapes.append(f'<rect class="{kind}" {place} rx="8"/>')

    def card(
        self, card: Card, x: float, y: float, width: float, height: float = 0, *, kind: str = ""
    ) -> float:
        """A card as high as its lines, or as ``height``; returns where it ends."""
        height = max(height, card.height)
        self._shapes.append(f'<g class="{kind}">')
        self.box("card", x, y, width, height)
        if card.glyph:
            self.box(f"{card.tone} tile", x + 10, y + 13, 28, 28)
            self.glyph("sign", card.glyph, x + 10, y + 13)
        if card.encrypted:
            self.glyph("lock", "lock", x + width - 22, y + 13)
        left = 46 if card.glyph else 10
        for number, words in enumerate(card.lines):
            right = 24 if card.encrypted and not number else 6
            size = "soft" if number else "name"
            self.text(size, x + left, y + 25 + LINE * number, words, width - left - right)
        self._shapes.append("</g>")
        return y + height

    def text(self, kind: str, x: float, y: float, words: str, width: float) -> None:
        """One line with its baseline at ``y``, cut with an ellipsis at ``width``."""
        fits = int(width / (_SIZES[kind] * _CHARACTER_EM))
        shown = words if len(words) <= fits else words[: max(fits - 1, 0)].rstrip() + "…"
        self._shapes.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(shown)}</text>')

    def arrow(self, tone: str, *corners: Point) -> None:
        """A line with right angles through ``corners``, its head at the last one."""
        (before_x, before_y), (x, y) = corners[-2:]
        dx, dy = (x > before_x) - (x < before_x), (y > before_y) - (y < before_y)
        sides = [(x - 6 * dx + side * dy, y - 6 * dy + side * dx) for side in (-4, 4)]
        path = f"M{_path(corners)}M{_path((sides[0], (x, y), sides[1]))}"
        self._shapes.append(f'<path class="{tone} line" d="{path}"/>')

    def glyph(self, kind: str, name: str, x: float, y: float) -> None:
        """A sign in the tone of its kind."""
        move = f"translate({x:g} {y:g})"
        self._shapes.append(f'<path class="{kind}" d="{_GLYPHS[name]}" transform="{move}"/>')

    def document(self, width: float, height: float, title: str, description: str) -> str:
        """The SVG document; the same shapes give the same text."""
        size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        return (
            f'<svg xmlns="{NAMESPACE}" {size} role="img" aria-labelledby="title description">\n'
            f'<title id="title">{escape(title)}</title>\n'
            f'<desc id="description">{escape(description)}</desc>\n'
            f"<style>\n{Path(__file__).with_name('style.css').read_text()}</style>\n"
            + "\n".join([*self._shapes, "</svg>\n"])
        )


def _path(corners: Iterable[Point]) -> str:
    return "L".join(f"{x:g} {y:g}" for x, y in corners)
