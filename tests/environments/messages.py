"""What a user reads of a settings file, and whether its remedies are ones."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from environments.load import SettingsError, load
from tests.support import Document
from tests.variants import Change, changed

FILE = "environments/production.toml"
# A value that a message says to write, for its own key or for the one beside it that it names.
_WRITE = re.compile(
    r"(?:Write|or) (?:for example |at most |at least |such as )?(?:([a-z_]+) = )?"
    r"(?:\"([^\"]*)\"|'([^']*)'|(true|false)|([0-9]+(?:\.[0-9]+)?))(?=[.,]| \(|$)"
)


def said(folder: Path, content: bytes) -> str:
    """What a user reads of a file; nothing if it is accepted. Another exception fails the test."""
    place = folder / "environments"
    place.mkdir(exist_ok=True)
    (place / "production.toml").write_bytes(content)
    try:
        load("production", place)
    except SettingsError as refused:
        return str(refused)
    return ""


def lines_of(document: Document, folder: Path) -> list[str]:
    """The lines that a user reads of this document."""
    return said(folder, tomli_w.dumps(document).encode()).splitlines()


def remedies(line: str, key: str) -> Iterator[Change]:
    """What a message says to write instead."""
    for other, *values, truth, number in _WRITE.findall(line):
        value: Any = truth == "true" if truth else "".join(values)
        if number:
            value = float(number) if "." in number else int(number)
        beside = key if (key, other) == ("network.vpc", "kind") else key.rpartition(".")[0]
        yield {f"{beside}.{other}" if other else key: value}


def one_message(document: Document, change: Change, key: str, folder: Path) -> str:
    """The one line about this key: what is wrong, why, and what to write, which is accepted."""
    begins = f"{FILE}: {key}"
    (line,) = (one for one in lines_of(changed(document, change), folder) if one.startswith(begins))
    assert line.count(". ") >= 1, f"what is wrong and what to write: {line}"
    for remedy in remedies(line, key.removesuffix(": ")):
        again = lines_of(changed(document, change | remedy), folder)
        assert not [one for one in again if one.startswith(begins)], (remedy, line)
    return line
