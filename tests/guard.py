"""Tests of the plan cannot read the user's own settings: opening one of the files is an error.

Python reports each file that is opened to audit hooks (sys.addaudithook, PEP 578), and a hook that
raises stops it. What another process opens is not seen: `make adopter-test` runs the tests in a
checkout whose files nothing can read.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import LIVE, ROOT

_FOLDER, _LOOK_UPS = f"{LIVE}{os.sep}", str(ROOT / "cdk.context.json")
_allowed = False


@contextmanager
def live_files(*, allowed: bool) -> Iterator[None]:
    """Whether the files may be opened while this lasts."""
    global _allowed
    before, _allowed = _allowed, allowed
    try:
        yield
    finally:
        _allowed = before


def is_live(path: "str | os.PathLike[str]") -> bool:
    """Whether it is one of the user's files; a link is another file than what it leads to."""
    name = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    return name == _LOOK_UPS or (name.startswith(_FOLDER) and name.endswith(".toml"))


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or _allowed or not isinstance(path := arguments[0], (str, os.PathLike)):
        return
    if is_live(path):
        raise AssertionError(
            f"{path} is the user's own and may say anything that is legal: tests of the plan read "
            "tests/plan. What holds for any legal file is tested below tests/live"
        )


sys.addaudithook(_audit)
