"""How each test of the plan ended is remembered from run to run."""

import subprocess
import sys
from pathlib import Path

from emulator.clean_environment import run_command
from tests.support import ROOT
from tools.report import outcomes


def test_a_second_run_replaces_what_it_ran_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "outcomes.json"
    outcomes.add(file, {"a": "passed", "b": "passed"}, tmp_path)
    outcomes.add(file, {"b": "failed"}, tmp_path)
    assert {test: one.word for test, one in outcomes.read(file).items()} == {
        "a": "passed",
        "b": "failed",
    }
    assert list(file.parent.iterdir()) == [file]


def test_the_commit_is_named_and_so_are_changes_to_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = run_command(["git", "-C", str(tmp_path), *identity, *words], check=True)
        return done.stdout.strip()

    assert outcomes.commit_of(tmp_path) == ""
    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-qm", "one")
    git("tag", "-am", "one", "v1")
    assert outcomes.commit_of(tmp_path) == git("rev-parse", "--short", "HEAD")
    (tmp_path / "file").write_text("two")
    assert outcomes.commit_of(tmp_path) == git("rev-parse", "--short", "HEAD") + " and changes"


TESTS = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError

@pytest.mark.plan("1")
def test_that_passes(): pass

@pytest.mark.plan("1")
def test_that_fails(): assert False

@pytest.mark.plan("1")
def test_that_skips(): pytest.skip("no kernel")

@pytest.mark.plan("1")
def test_whose_fixture_breaks(broken): pass

def test_of_no_section(): pass
"""


def test_every_end_of_a_marked_test_is_remembered(tmp_path: Path) -> None:
    # The hooks of tests/conftest.py, on tests of their own.
    (tmp_path / "conftest.py").write_text(
        "from tests import conftest\n"
        "from tests.conftest import pytest_collection_modifyitems, pytest_runtest_logreport\n"
        "from tests.conftest import pytest_terminal_summary\n"
        f"conftest.ROOT = __import__('pathlib').Path({str(tmp_path)!r})\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = plan(section): x\n")
    (tmp_path / "test_a.py").write_text(TESTS)
    where = [f"--rootdir={tmp_path}", str(tmp_path / "test_a.py")]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *where],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/lambda:{ROOT}/client", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        timeout=600,
    )
    found = outcomes.read(tmp_path / outcomes.FILE)
    assert {test.rsplit("::", 1)[1]: one.word for test, one in found.items()} == {
        "test_that_passes": "passed",
        "test_that_fails": "failed",
        "test_that_skips": "skipped",
        "test_whose_fixture_breaks": "failed",
    }
