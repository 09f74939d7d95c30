"""Who edits the settings of a copy of this project has green tests after `make snapshots`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from environments.load import environment_names, load
from environments.together import refuse_shared
from tests.conftest import synthesised
from tests.edits import EDITS, Copy
from tests.guard import is_live
from tests.live import test_checks, test_templates
from tests.live.comparison import FOLDER as REVIEWED
from tests.stacks.limits import over
from tests.support import PLAN, ROOT
from tools.context import committed

# Without what takes longest, and depends on the settings least: the packs and cfn-lint.
FAST = ("-k", "test_files or test_templates and not schemas")
LINKED = (".venv*", "node_modules")
LONGEST = 3600  # seconds that one command may take

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The checkout with the plan's settings, and what make setup made."""
    # A copy links to the checkout's tools: its own set-up would replace them, and break them.
    run(ROOT, "make", "--question", "setup")
    folder = tmp_path / "checkout"
    names = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for file in (ROOT / name for name in names.split("\0") if name):
        if file.exists() and REVIEWED not in file.parents and not is_live(file):
            (folder / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, folder / file.relative_to(ROOT))
    shutil.copytree(PLAN / "environments", folder / "environments", dirs_exist_ok=True)
    shutil.copy(PLAN / "cdk.context.json", folder)
    for pattern in LINKED:
        for made in ROOT.glob(pattern):
            (folder / made.name).symlink_to(made)
    shutil.copytree(ROOT / "build" / "functions", folder / "build" / "functions")
    for kept in ("browser", "cfn-lint", "engines", "jsii-packages"):
        if (ROOT / "build" / kept).exists():
            (folder / "build" / kept).symlink_to(ROOT / "build" / kept)
    run(folder, "git", "init", "-q")
    (folder / ".git" / "info" / "exclude").write_text("\n".join(LINKED))
    commit(folder, "the project's")
    return Copy(folder)


def run(folder: Path, *command: str, status: int = 0) -> str:
    """What a command printed; it must end with this status."""
    # The make that runs these tests must not hand its own jobs and words on.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == status, f"{' '.join(command)}\n{done.stdout[-8000:]}"
    return done.stdout


def commit(folder: Path, *message: str) -> None:
    run(folder, "git", "add", "-A")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    run(folder, "git", *who, "commit", "-qm", *message)


def pytest_in(folder: Path, *chosen: str, status: int = 0) -> str:
    python = str(folder / ".venv" / "bin" / "python")
    return run(
        folder, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, status=status
    )


def live(folder: Path, *chosen: str, status: int = 0) -> str:
    return pytest_in(folder, "tests/live", *chosen, status=status)


@pytest.mark.parametrize("edit", EDITS)
def test_the_templates_of_an_edit_are_as_any_are(edit: str, tmp_path: Path) -> None:
    """Here without make and a checkout of its own: the long tests below run both for each edit."""
    shutil.copytree(PLAN / "environments", tmp_path / "environments")
    shutil.copy(PLAN / "cdk.context.json", tmp_path)
    EDITS[edit](Copy(tmp_path))
    folder = tmp_path / "environments"
    settings = [load(name, folder) for name in environment_names(folder)]
    for one in settings:
        refuse_shared(one, folder)
    templates = synthesised(settings, committed(tmp_path), tmp_path / "out")
    assert not over(templates)
    test_checks.test_no_action_in_any_policy_is_a_wildcard(templates)
    for name in test_templates.__all__:
        getattr(test_templates, name)(templates)


def test_after_make_snapshots_nothing_fails(copy: Copy) -> None:
    """A sample of what the long tests below try with every edit."""
    EDITS["the five values"](copy)
    assert "settings.txt" in run(copy.folder, "make", "snapshots")
    live(copy.folder, *FAST)


@pytest.mark.long
def test_the_five_values_fail_nothing_but_what_make_snapshots_renews(copy: Copy) -> None:
    EDITS["the five values"](copy)
    failed = live(copy.folder, status=1)
    assert failed.count("run make snapshots") == failed.count("\nFAILED ") > 3
    run(copy.folder, "make", "snapshots")
    assert 'environment.account: "210987654321", in the plan "1111' in live(copy.folder, *FAST)

    # It is an account of theirs now: what CloudFormation would replace is not renewed.
    copy.change({"network.security_group_name": "another"})
    refused = run(copy.folder, "make", "snapshots", status=2)
    assert "would replace or delete vibewell-redis-production-data: AccessSec" in refused


@pytest.mark.long
@pytest.mark.parametrize("edit", EDITS)
def test_every_test_that_reads_the_settings_passes(copy: Copy, edit: str) -> None:
    EDITS[edit](copy)
    run(copy.folder, "make", "snapshots")
    live(copy.folder)


@pytest.mark.long
@pytest.mark.parametrize("edit", EDITS)
def test_the_rehearsal_passes(copy: Copy, edit: str) -> None:
    EDITS[edit](copy)
    assert "The rehearsal passed" in run(copy.folder, "make", "rehearse")


@pytest.mark.long
def test_no_other_test_needs_the_users_files(copy: Copy) -> None:
    """Nor does a process that it starts: here nobody can read them."""
    for file in (*(copy.folder / "environments").glob("*.toml"), copy.look_ups):
        file.write_text("{ this is nothing")
    others = ("--ignore=tests/live", "--ignore=tests/test_adopter.py")
    pytest_in(copy.folder, "-n", "4", "--dist", "loadscope", "--no-loadscope-reorder", *others)
