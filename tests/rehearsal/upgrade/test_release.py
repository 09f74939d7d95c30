"""Which revision is upgraded from, and which tools it is deployed with."""

from pathlib import Path

import pytest

from emulator.clean_environment import ROOT, run_command
from rehearsal.common.errors import RehearsalError
from rehearsal.upgrade.release import FIRST, Release, choose, locked, unpack

pytestmark = pytest.mark.plan("7.1")


def git(repository: Path, *words: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    ran = run_command(["git", "-C", str(repository), *identity, *words], seconds=180, check=True)
    return ran.stdout.strip()


def commit(repository: Path, name: str) -> str:
    (repository / "file").write_text(name)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", name)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    commit(tmp_path, "first")
    return tmp_path


def test_the_last_release_before_this_revision_is_upgraded_from(repository: Path) -> None:
    git(repository, "tag", "v1.0")
    released = commit(repository, "second")
    git(repository, "tag", "-a", "v1.1", "-m", "v1.1")
    git(repository, "tag", "not-a-release")
    commit(repository, "third")
    assert choose(None, repository) == Release("v1.1", released)


def test_the_release_that_is_being_made_is_not_its_own_predecessor(repository: Path) -> None:
    released = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1.0")
    commit(repository, "second")
    git(repository, "tag", "v1.1")
    assert choose(None, repository) == Release("v1.0", released)


@pytest.mark.parametrize("asked", [None, "v9.9"])
def test_a_revision_that_is_not_here_is_one_message(repository: Path, asked: str | None) -> None:
    with pytest.raises(RehearsalError, match=rf"{asked or FIRST} is not in this.*FROM=<revision>"):
        choose(asked, repository)


def released(repository: Path, constraints: str) -> Release:
    (repository / "constraints.txt").write_text(constraints)
    (repository / "package-lock.json").write_bytes((ROOT / "package-lock.json").read_bytes())
    tools = repository / "tools"
    tools.mkdir()
    (tools / "setup_python.sh").write_text("#!/bin/sh\nmkdir $2 && echo $1 >$2/made\n")
    (tools / "build_functions.sh").write_text("#!/bin/sh\nmkdir -p build/functions/rotation\n")
    for script in tools.iterdir():
        script.chmod(0o755)
    return Release("v1.0", commit(repository, "release"))


def test_a_release_with_pins_of_ours_is_deployed_with_our_packages(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    into = tmp_path_factory.mktemp("release") / "files"
    one = sorted(locked(ROOT))[0]
    told = unpack(released(repository, f"# a comment\n{one}\n"), into, repository)
    assert told == "the same Python packages, the same CDK command line"
    assert (into / ".venv").readlink() == ROOT / ".venv"
    assert (into / "node_modules").readlink() == ROOT / "node_modules"
    assert (into / "build/functions/rotation").is_dir()
    assert (into / "file").read_text() == "release"


def test_a_release_with_other_pins_is_set_up_by_itself(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    into = tmp_path_factory.mktemp("release") / "files"
    told = unpack(released(repository, "aws-cdk-lib==1.0.0\n"), into, repository)
    assert told.startswith("its own Python packages")
    assert (into / ".venv/made").read_text() == "python3\n"
