"""``make review`` as a user runs it, on a repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.common.checkout import copy
from tests.edits import ACCOUNT, EDITS, Copy
from tests.support import ROOT
from tools.review import __main__ as command
from tools.review.errors import ReviewError
from tools.review.toolchain import pins, toolchain


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's files as one commit, with what make setup made beside them."""
    folder = tmp_path_factory.mktemp("made") / "repository"
    copy(folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / ".gitignore", folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    with (folder / ".gitignore").open("a") as file:
        file.write("\n.venv\nnode_modules\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    return folder


def review(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.review", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_change_is_refused_until_it_is_acknowledged_in_the_change(repository: Path) -> None:
    same = review(repository, "staging", "HEAD")
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.startswith("## ✅ staging: no change")

    file = repository / "environments" / "staging.toml"
    text, changed = re.subn(
        r"(?m)^snapshot_retention_days = \d+", "snapshot_retention_days = 1", file.read_text()
    )
    assert changed == 1
    file.write_text(text)
    refused = review(repository, "staging", "HEAD")
    assert refused.returncode == 1, refused.stderr
    assert "`RedisGroup88ACAA33` **less protected**" in refused.stdout
    assert "with changes" in refused.stdout

    entry = refused.stdout.split("```toml\n")[1].split("```")[0]
    reason = 'reason = "Staging holds nothing that anybody would miss."'
    with (repository / "docs" / "acknowledged.toml").open("a") as acknowledged:
        acknowledged.write("\n" + re.sub(r'reason = "".*', reason, entry))
    passed = review(repository, "staging", "HEAD")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "1 danger acknowledged" in passed.stdout

    git(repository, "commit", "-qam", "change")
    spent = review(repository, "staging", "HEAD")
    assert (spent.returncode, spent.stderr) == (0, "")
    later = review(repository, "staging", "HEAD~1")
    assert later.returncode == 0, "the whole change and its acknowledgement are in one commit"


def test_a_base_in_the_examples_account_was_never_deployed(repository: Path) -> None:
    """The first pull request of whoever takes this project over, and the second."""
    EDITS["the five values"](Copy(repository))
    first = review(repository, "production", "HEAD")
    assert (first.returncode, first.stderr) == (0, "")
    assert "the example's account, where nothing is deployed" in first.stdout
    git(repository, "commit", "-qam", "ours")
    Copy(repository).change({"environment.account": "444455556666"})
    Copy(repository).look_up((ACCOUNT, "444455556666"))
    second = review(repository, "production", "HEAD")
    assert second.returncode == 1, second.stderr
    assert "it moves from aws://210987654321/us-east-1" in second.stdout
    git(repository, "checkout", "-q", "HEAD~1", ".")
    git(repository, "commit", "-qm", "the project's again")


def test_what_was_synthesised_once_is_kept_by_commit(repository: Path) -> None:
    review(repository, "development", "HEAD")
    (kept,) = (repository / "build" / "review").glob("*-development")
    before = kept.stat().st_mtime_ns
    assert review(repository, "development", "HEAD").returncode == 0
    assert kept.stat().st_mtime_ns == before
    assert not list(kept.glob("asset.*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name an environment and what to compare with"),
        (("staging",), "name an environment and what to compare with"),
        (("staging", ""), "name an environment and what to compare with"),
        (("staging", "nowhere"), "'nowhere' is no revision of this repository"),
        (("staging", "--output=/tmp/x"), "is no revision of this repository"),
        (("nowhere", "HEAD"), "there is no such environment"),
    ],
)
def test_a_question_that_cannot_be_answered_ends_with_2_and_one_message(
    repository: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = review(repository, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_settings_that_are_wrong_end_with_2_and_their_own_message(repository: Path) -> None:
    file = repository / "environments" / "development.toml"
    whole = file.read_text()
    file.write_text(re.sub(r'(?m)^node_type = ".*?"', 'node_type = "huge"', whole))
    try:
        done = review(repository, "development", "HEAD")
    finally:
        file.write_text(whole)
    assert done.returncode == 2
    assert "environments/development.toml: redis.node_type" in done.stderr
    assert "Traceback" not in done.stderr


def test_look_ups_that_a_merge_left_in_conflict_are_one_message(repository: Path) -> None:
    file = repository / "cdk.context.json"
    whole = file.read_text()
    file.write_text(f"<<<<<<< HEAD\n{whole}")
    try:
        done = review(repository, "development", "HEAD")
    finally:
        file.write_text(whole)
    assert done.returncode == 2
    assert "review: cdk.context.json is no JSON: line 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_installation_that_never_ends_is_told_as_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("base", "2.1"), ("here", "2.2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(f"aws-cdk-lib=={version}\n")
    monkeypatch.setattr("tools.review.toolchain.LONGEST", 0.001)
    with pytest.raises(ReviewError, match=r"could not be installed: .*longer.*BASE=deployed"):
        toolchain(tmp_path / "base", tmp_path / "here", tmp_path)


def test_an_acknowledgement_for_no_environment_is_a_mistake(
    tmp_path: Path,
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "acknowledged.toml").write_text(
        '[[acknowledged]]\nenvironment = "prod"\nstack = "s"\nresource = "r"\nwhat = "delete"\n'
        'difference = "0123456789ab"\nreason = "Long enough to be a reason."\n'
    )
    with pytest.raises(ReviewError, match="there is none called 'prod'"):
        command.reviewed("production", "HEAD", tmp_path)


def test_an_upgrade_of_the_library_is_synthesised_with_what_the_base_pins(tmp_path: Path) -> None:
    def folder(name: str, library: str, linter: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        (made / "requirements.txt").write_text(f"aws-cdk-lib=={library}  # why\n")
        (made / "requirements-dev.txt").write_text("-r requirements.txt\nruff==1  # why\n")
        (made / "constraints.txt").write_text(f"aws-cdk-lib=={library}\nruff=={linter}\n")
        return made

    here = pins(folder("here", "2.1", "1"))
    assert here != pins(folder("upgrade", "2.2", "1"))
    assert here == pins(folder("linter", "2.1", "2")), "what only checks use changes no template"
