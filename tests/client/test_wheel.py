"""What applications install: the wheel has all that the package needs, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flit_core import buildapi

from emulator.clean_environment import run_command
from tests.support import ROOT

PROGRAM = """
import vibewell_redis, vibewell_redis.asyncio
from vibewell_redis import script
assert len(script.SHA) == 40
print(vibewell_redis.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as place:
        place.chdir(ROOT / "client")
        return folder / str(buildapi.build_wheel(str(folder)))


@pytest.mark.plan("5.4")
def test_the_wheel_works_where_nothing_else_of_the_project_is(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = run_command(
        [sys.executable, "-c", PROGRAM], tmp_path, environment={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_the_wheel_holds_the_package_its_script_and_its_types_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    folder = ROOT / "client" / "vibewell_redis"
    kept = {
        str(path.relative_to(ROOT / "client"))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == kept
    assert "vibewell_redis/scripts/sliding_window.lua" in names
    assert "vibewell_redis/py.typed" in names


def test_a_bundle_without_the_script_says_how_to_add_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "vibewell_redis/scripts/sliding_window.lua").unlink()
    done = run_command(
        [sys.executable, "-c", "import vibewell_redis"],
        environment={"PYTHONPATH": str(tmp_path)},
        seconds=60,
    )
    assert "with --collect-data vibewell_redis" in done.stderr.splitlines()[-1]


def test_it_is_imported_without_the_aws_sdk() -> None:
    program = (
        "import sys; import vibewell_redis, vibewell_redis.asyncio, vibewell_redis.asgi;"
        "sys.exit(sum(name in sys.modules for name in ('boto3', 'botocore')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "client")},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0
