"""The commands that the documents tell people to type, as they stand there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

TYPED = (
    "runbook",
    *(f"operate/{page}" for page in ("operations", "disaster-recovery", "rotation")),
    *("reference/data-protection", "operate/stack-states"),
)

_BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(aws [^`]+)`")


@dataclass(frozen=True)
class Typed:
    """What a person copies at once: a block of lines, or one command in a sentence."""

    document: str
    section: str
    text: str

    def __str__(self) -> str:
        words = re.findall(r"aws ([a-z]+ [a-z-]+)", self.text)
        return f"{self.document}#{self.section} {words[0]}"


def typed() -> list[Typed]:
    """Every one that has an ``aws`` command, in the documents' order."""
    return [found for name in TYPED for found in _of(ROOT / "docs" / f"{name}.md")]


def _of(document: Path) -> Iterator[Typed]:
    for part in re.split(r"^#+ ", document.read_text(), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        section = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        blocks = [block for block in _BLOCK.findall(text) if re.search(r"\baws ", block)]
        inline = [" ".join(line.split()) for line in _INLINE.findall(_BLOCK.sub("", text))]
        for found in (*blocks, *inline):
            yield Typed(document.stem, section, found)
