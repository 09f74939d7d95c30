"""What was proven is counted, and printed at the end of the run."""

from collections import Counter

import pytest

_COUNTED: Counter[str] = Counter()


@pytest.fixture(scope="session")
def counted() -> Counter[str]:
    """Figures for the end of the run."""
    return _COUNTED


@pytest.fixture(autouse=True)
def credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call can leave this machine under somebody's name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _COUNTED:
        terminalreporter.section("rotation of the AUTH token")
        for what, number in sorted(_COUNTED.items()):
            terminalreporter.write_line(f"  {number:6} {what}")
