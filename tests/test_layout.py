"""The house rules that a file could break without any other test noticing."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from shutil import ignore_patterns

import constructs
from emulator.clean_environment import run_command
from tests.support import MAKEFILES, PLAN, ROOT


def test_our_constructs_stand_beside_the_library_of_that_name() -> None:
    # An __init__.py would hide the library and break aws-cdk-lib.
    assert not (ROOT / "constructs" / "__init__.py").exists()
    assert "site-packages" in str(constructs.__file__)
    assert str(ROOT / "constructs") in list(constructs.__path__)


def test_every_python_dependency_is_pinned_has_its_reason_and_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    groups = tomllib.loads(text)["dependency-groups"]
    pins = {pin for group in groups.values() for pin in group if isinstance(pin, str)}
    locked = {
        f"{one['name']}=={one['version']}"
        for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    for pin in pins:
        assert re.search(rf'^    "{re.escape(pin)}",  # .{{4,}}$', text, re.MULTILINE), pin
        assert re.sub(r"[-_.]+(?=.*==)", "-", re.sub(r"\[.*?\]", "", pin)).lower() in locked, pin


def test_requirements_are_the_locks() -> None:
    export = re.findall(r"^EXPORT := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    command = [ROOT / ".venv/bin/uv", *export.split()[1:], "--offline"]
    done = run_command(command, seconds=60, check=True)
    written = (ROOT / "requirements.txt").read_text()
    assert re.sub(r"^#.*\n", "", written, flags=re.MULTILINE) == done.stdout


# One wrong arrow out of each room.
WRONG = {
    "aws_rules": "import environments.load",
    "benchmarks": "import rehearsal.common.run",
    "client/vibewell_redis": "import tools.context",
    "constructs/data": "import tools.context",
    "drawing": "import tools.context",
    "emulator": "import environments.load",
    "environments": "import constructs.common.permissions",
    "lambda/events": "import rotation.steps",
    "lambda/shared": "import environments.load",
    "rehearsal/rotation": "import stacks.data",
    "stacks": "import emulator.engines",
    "tools": "import emulator.engines",
}


def linted(rooms: Path) -> subprocess.CompletedProcess[str]:
    path = {**os.environ, "PYTHONPATH": "lambda:client"}
    lint = str(ROOT / ".venv-delivery/bin/lint-imports")
    return run_command([lint, "--no-cache"], rooms, environment=path)


def test_every_arrow_goes_the_one_way_and_a_wrong_one_is_found_in_each_room(tmp_path: Path) -> None:
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout
    others = ignore_patterns("__pycache__", "*.toml")
    for root in {room.split("/")[0] for room in WRONG}:
        shutil.copytree(ROOT / root, tmp_path / root, ignore=others)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room, wrong in WRONG.items():
        (tmp_path / room / "planted.py").write_text(f"{wrong}\n")
    found = linted(tmp_path).stdout
    for room, wrong in WRONG.items():
        package = room.removeprefix("lambda/").removeprefix("client/").replace("/", ".")
        assert f"{package}.planted -> {wrong.split()[1]}" in found, found


def test_nothing_of_the_product_imports_the_app() -> None:
    for root in {"constructs", "environments", "stacks", "lambda", "client", "emulator"}:
        for file in (ROOT / root).rglob("*.py"):
            assert not re.search(r"^(from|import) app\b", file.read_text(), re.MULTILINE), file


def test_every_settings_value_of_the_plan_names_its_section() -> None:
    text = (PLAN / "environments" / "production.toml").read_text()
    for key in ("node_type", "replicas", "snapshot_window", "timeout_ms", "pool_size"):
        (line,) = re.findall(rf"^{key} = .*$", text, re.MULTILINE)
        assert "§" in line, line


def test_help_lists_every_command_under_its_reader() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILES, re.MULTILINE))
    said = subprocess.check_output(["make", "help"], cwd=ROOT, text=True, timeout=60)
    assert set(re.findall(r"^  make ([a-z-]+) ", said, re.MULTILINE)) == targets
