"""What was proven is counted, and printed at the end of the run."""

from collections import Counter

import pytest

from tests.support import credentials_of_nobody

__all__ = ["credentials_of_nobody"]

_COUNTED: Counter[str] = Counter()


@pytest.fixture(scope="session")
def counted() -> Counter[str]:
    return _COUNTED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _COUNTED:
        terminalreporter.section("rotation of the AUTH token")
        for what, number in sorted(_COUNTED.items()):
            terminalreporter.write_line(f"  {number:6} {what}")
