"""A plugin of pytest: which tests carry which sections of the plan, as JSON.

``pytest --collect-only -p tools.report.plan_collector --plan-json FILE``
"""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write it."""
    parser.addoption("--plan-json", type=Path, required=True, metavar="FILE")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Test id -> the sections that it proves."""
    marked = {item.nodeid: found for item in session.items if (found := sections(item))}
    file: Path = session.config.getoption("--plan-json")
    file.write_text(json.dumps(marked))


def sections(item: pytest.Item) -> list[str]:
    """The sections of the plan that a test carries."""
    return sorted({section for mark in item.iter_markers("plan") for section in mark.args})
