"""The few shapes that the picture is made of, on one SVG canvas."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tools.picture.style import CHARACTER_EM, GLYPHS, css

NAMESPACE = "http://www.w3.org/2000/svg"
Point = tuple[float, float]
ARROW = 7.0


class Canvas:
    """A canvas; every position and length is in pixels at the picture's own size."""

    def __init__(self, width: int, height: int, *, title: str, description: str) -> None:
        self._root = Element(
            "svg",
            {
                "xmlns": NAMESPACE,
                "viewBox": f"0 0 {width} {height}",
                "width": str(width),
                "height": str(height),
                "role": "img",
                "aria-labelledby": "title description",
            },
        )
        for name, id_, words in (("title", "title", title), ("desc", "description", description)):
            SubElement(self._root, name, {"id": id_}).text = words
        SubElement(self._root, "style").text = css()

    def box(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        """A rounded rectangle; ``kind`` is a box of the style sheet."""
        self._add("rect", kind, x=x, y=y, width=width, height=height, rx=8)

    def text(self, kind: str, x: float, y: float, words: str, *, width: float) -> None:
        """One line with its baseline at ``y``, cut with an ellipsis at ``width``.

        ``kind`` is a class of the style sheet, with ``middle`` or ``end`` behind it for how the
        line is placed at ``x``.
        """
        self._add("text", kind, x=x, y=y).text = cut(kind, words, width)

    def arrow(self, kind: str, *corners: Point) -> None:
        """A line with right angles through ``corners``, its head at the last one."""
        (before_x, before_y), (x, y) = corners[-2:]
        dx, dy = _sign(x - before_x), _sign(y - before_y)
        shaft = (*corners[:-1], (x - dx * ARROW, y - dy * ARROW))
        self.line(kind, *shaft)
        head = (
            (x, y),
            (x - dx * ARROW - dy * 4, y - dy * ARROW - dx * 4),
            (x - dx * ARROW + dy * 4, y - dy * ARROW + dx * 4),
        )
        self._add("path", f"{kind} head", d=f"M{_path(head)}Z")

    def line(self, kind: str, *corners: Point) -> None:
        """A line through ``corners``."""
        self._add("path", f"{kind} line", d=f"M{_path(corners)}")

    def glyph(self, name: str, tone: str, x: float, y: float) -> None:
        """A 28 by 28 tile with a sign on it."""
        self._add("rect", f"{tone} tile", x=x, y=y, width=28, height=28, rx=7)
        self._add("path", "sign", d=GLYPHS[name], transform=f"translate({_number(x)} {_number(y)})")

    def lock(self, x: float, y: float) -> None:
        """The sign that a thing is encrypted at rest, 10 by 12."""
        self._add(
            "path", "lock", d=GLYPHS["lock"], transform=f"translate({_number(x)} {_number(y)})"
        )

    def __str__(self) -> str:
        """The document; the same shapes give the same text."""
        indent(self._root, space="")
        return tostring(self._root, encoding="unicode") + "\n"

    def _add(self, name: str, kind: str, **attributes: float | str) -> Element:
        words = {
            key: value if isinstance(value, str) else _number(value)
            for key, value in attributes.items()
        }
        return SubElement(self._root, name, {"class": kind, **words})


def cut(kind: str, words: str, width: float) -> str:
    """``words``, shortened to what fits ``width`` in any of the style sheet's fonts."""
    size = int(kind.split()[0][-2:])
    fits = int(width / (size * CHARACTER_EM))
    return words if len(words) <= fits else words[: max(fits - 1, 0)].rstrip() + "…"


def _path(corners: tuple[Point, ...]) -> str:
    return "L".join(f"{_number(x)} {_number(y)}" for x, y in corners)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
