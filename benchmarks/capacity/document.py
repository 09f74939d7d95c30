"""`make scaling`: the tables of docs/operate/scaling.md, from what was measured and the settings.

usage: python -m benchmarks.capacity.document [--check]
"""

import json
import re
import sys

from benchmarks.capacity import costs, thresholds
from benchmarks.capacity.figures import Figures
from emulator.clean_environment import ROOT
from environments.load import load

DOCUMENT = ROOT / "docs" / "operate" / "scaling.md"
RECORD = ROOT / "docs" / "operate" / "scaling-figures.json"


def main() -> int:
    """0, or with --check 1 if the document is not what it would be."""
    text = DOCUMENT.read_text()
    wanted = rendered(text)
    if sys.argv[1:] == ["--check"]:
        if text != wanted:
            print("docs/operate/scaling.md: its tables are old: make scaling", file=sys.stderr)
        return int(text != wanted)
    DOCUMENT.write_text(wanted)
    return 0


def rendered(text: str) -> str:
    """The document with each table between its marks replaced."""
    found: Figures = json.loads(RECORD.read_text())
    settings = load("production")
    tables = {
        "measured": thresholds.measured(found),
        "thresholds": thresholds.by_node_type(found, settings),
        "connections": thresholds.connections(found, settings),
        "costs": costs.table(),
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}: make scaling -->\n", f"<!-- /{name} -->"
        block = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"docs/operate/scaling.md must have {begin.strip()} … {end} once")
        text = block.sub(lambda _: begin + table + "\n" + end, text)  # noqa: B023 - called at once
    return text


if __name__ == "__main__":
    sys.exit(main())
