"""What handles tokens or reads what others wrote keeps the libraries from writing it out."""

import importlib
import logging
from collections.abc import Iterator

import pytest

LIBRARIES = [logging.getLogger(name) for name in ("boto3", "botocore", "urllib3")]


@pytest.fixture
def debugging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody turned debugging on, in an environment that no template filled."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    before = [library.level for library in LIBRARIES]
    for library in LIBRARIES:
        library.setLevel(logging.DEBUG)
    yield
    for library, level in zip(LIBRARIES, before, strict=True):
        library.setLevel(level)


@pytest.mark.usefixtures("debugging")
@pytest.mark.parametrize(
    "module",
    [
        "health.handler",
        "health.inside",
        "recovery.handler",
        "recovery.keeper",
        "recovery.verifier",
        "reviews.capacity.handler",
        "reviews.configuration",
        "reviews.metrics.handler",
        "reviews.security",
        "reviews.updates",
        "reviews.watch",
        "rotation.handler",
    ],
)
def test_debugging_is_off_before_a_handler_does_anything(module: str) -> None:
    with pytest.raises(KeyError):  # the first thing that it asks its environment or event for
        importlib.import_module(module).handler({}, None)
    assert [library.level for library in LIBRARIES] == [logging.WARNING] * len(LIBRARIES)
