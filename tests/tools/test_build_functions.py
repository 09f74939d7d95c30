"""The functions' package: the same bytes on every machine, and nothing of this one."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT
from tools.pack import pack

PACKAGE = ROOT / "build" / "functions" / "rotation"
ARCHIVE = PACKAGE.with_suffix(".zip")

# Of every file of redis-py 8.1.0 as it is laid out here. It changes with lambda/requirements.txt
# only: another value means that this machine builds another package.
LIBRARIES = "60b44481c8d971aaf64aab74acde03e7b9d9f94b96bb0d0805d6f76305ef01d4"

NINETIES = 700_000_000  # a zip tells no time before 1980

LARGEST = 3_000_000  # bytes, stored, without the AWS SDK; Lambda takes 250 MB


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def contents(folder: Path) -> dict[Path, bytes]:
    found = [path for path in files(folder) if path.suffix != ".pyc"]
    return {path.relative_to(folder): path.read_bytes() for path in found}


def sources(function: str) -> list[Path]:
    """The folders whose code is a function's; the reviews alone draw pages."""
    drawing = [ROOT / "drawing"] if function == "reviews" else []
    return [ROOT / "lambda" / function, ROOT / "lambda/shared", *drawing]


def test_the_libraries_are_the_same_bytes_on_every_machine() -> None:
    digest = hashlib.sha256()
    for path in files(PACKAGE):
        name = path.relative_to(PACKAGE)
        if name.parts[0] not in ("rotation", "shared"):
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    assert digest.hexdigest() == LIBRARIES


@pytest.mark.parametrize("function", ["events", "health", "recovery", "reviews", "rotation"])
def test_our_code_is_what_is_in_the_checkout(function: str) -> None:
    for source in sources(function):
        packed = PACKAGE.parent / function / source.name
        assert contents(packed) == contents(source), "make setup builds the package again"


def test_the_package_carries_no_trace_of_this_machine() -> None:
    for path in files(PACKAGE):
        assert path.suffix != ".pyc", path
        assert str(ROOT).encode() not in path.read_bytes(), path


def test_what_is_deployed_is_what_was_laid_out() -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {
        path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in files(PACKAGE)
    }


def test_the_archive_is_the_same_bytes_whatever_the_files_times_order_and_rights(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names, mode in ((first, "abc", 0o600), (second, "cba", 0o755)):
        for name in names:
            path = folder / name / "module.py"
            path.parent.mkdir(parents=True)
            path.write_text(name)
            path.chmod(mode)
            os.utime(path, (NINETIES + mode, NINETIES + mode))
        pack(folder, folder.with_suffix(".zip"))
    assert first.with_suffix(".zip").read_bytes() == second.with_suffix(".zip").read_bytes()


def test_of_two_builds_at_once_one_builds_and_the_other_waits(tmp_path: Path) -> None:
    """As two make commands would: a step that began while the other's ran would undo it."""
    script = "echo built >>log; sleep 1; [ ! -e made ] || exit 3; mkdir made; sleep 1"
    command = [sys.executable, str(ROOT / "tools" / "locked.py"), "made/.built", "sh", "-c", script]
    running = [subprocess.Popen(command, cwd=tmp_path) for _ in range(3)]
    assert [one.wait(timeout=120) for one in running] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "built\n"
    failing = [*command[:-1], "exit 7"]
    stamp = (tmp_path / "made" / ".built").stat().st_mtime_ns
    assert subprocess.run(failing, cwd=tmp_path, check=False).returncode == 7
    assert (tmp_path / "made" / ".built").stat().st_mtime_ns == stamp


def test_an_interrupted_step_ends_without_a_traceback(tmp_path: Path) -> None:
    script = "trap 'exit 130' INT; echo begun; for _ in {1..600}; do sleep 0.1; done"
    # In the background of a shell a program is started with SIGINT ignored, and cannot trap it.
    as_at_a_terminal = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    locked = [str(ROOT / "tools" / "locked.py"), "stamp", "bash", "-c", script]
    with subprocess.Popen(
        [sys.executable, "-c", as_at_a_terminal, *locked],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert not (tmp_path / "stamp").exists()


def test_each_step_that_make_shares_is_locked() -> None:
    files = [ROOT / "Makefile", *ROOT.glob("*/*.mk")]
    rules = [rule for file in files for rule in re.split(r"\n(?=\S)", file.read_text())]
    stamps = [rule for rule in rules if re.match(r"\S*/\.\w+:", rule)]
    assert len(stamps) > 6
    for rule in stamps:
        assert "$(LOCKED)" in rule, rule
