"""The functions' package: the same bytes on every machine, and nothing of this one."""

import hashlib
import zipfile
from pathlib import Path

from tests.support import ROOT

PACKAGE = ROOT / "build" / "functions" / "rotation"

# Of every file of redis-py 8.1.0 as it is laid out here. It changes with lambda/requirements.txt
# only: another value means that this machine builds another package.
LIBRARIES = "60b44481c8d971aaf64aab74acde03e7b9d9f94b96bb0d0805d6f76305ef01d4"

LARGEST = 1_000_000  # bytes, zipped, without the AWS SDK


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_libraries_are_the_same_bytes_on_every_machine() -> None:
    digest = hashlib.sha256()
    for path in files(PACKAGE):
        name = path.relative_to(PACKAGE)
        if name.parts[0] != "rotation":
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    assert digest.hexdigest() == LIBRARIES


def test_our_code_is_what_stands_in_the_checkout() -> None:
    packed = {path.name: path.read_bytes() for path in files(PACKAGE / "rotation")}
    source = {path.name: path.read_bytes() for path in (ROOT / "lambda/rotation").glob("*.py")}
    assert packed == source, "make setup builds the package anew"


def test_the_package_carries_no_trace_of_this_machine() -> None:
    for path in files(PACKAGE):
        assert path.suffix != ".pyc", path
        assert str(ROOT).encode() not in path.read_bytes(), path


def test_the_package_is_small(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w", zipfile.ZIP_DEFLATED) as package:
        for path in files(PACKAGE):
            package.write(path, path.relative_to(PACKAGE))
    assert (tmp_path / "package.zip").stat().st_size < LARGEST
    assert not list(PACKAGE.glob("boto*"))
