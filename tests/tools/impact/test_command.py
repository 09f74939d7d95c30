"""``make impact`` as a user runs it, on a repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.common.checkout import copy
from tests.edits import ACCOUNT, EDITS, Copy
from tests.support import ROOT
from tools.impact import __main__ as command
from tools.impact.revisions import pins, toolchain
from tools.impact.templates import ImpactError


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


def impact(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.impact", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_change_asks_until_it_is_acknowledged_in_the_change(
    repository: Path, tmp_path: Path
) -> None:
    same = impact(repository, "staging", "HEAD")
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.startswith("## ✅ staging: no change")
    shutil.copytree(repository, tmp_path / "change", symlinks=True)
    change = tmp_path / "change"

    file = change / "environments" / "staging.toml"
    text, changed = re.subn(
        r"(?m)^snapshot_retention_days = \d+", "snapshot_retention_days = 3", file.read_text()
    )
    assert changed == 1
    file.write_text(text)
    asked = impact(change, "staging", "HEAD")
    assert asked.returncode == 1, asked.stderr
    assert "the Redis group **changed**" in asked.stdout
    assert "with changes" in asked.stdout
    assert "[~] AWS::ElastiCache::ReplicationGroup" in asked.stdout, "cdk diff is in it"

    # As in a pull request: the base's judge reads the change's assembly and runs none of it.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    cdk = ["node", "node_modules/aws-cdk/bin/cdk", "--no-notices"]
    subprocess.run(
        ["tools/synth.sh", *cdk], cwd=change, env={**os.environ, "PATH": path}, check=True
    )
    (change / "app.py").write_text("raise SystemExit('it was executed')")
    judged = impact(repository, "staging", "HEAD", str(change))
    assert judged.returncode == 1, judged.stderr
    first = re.compile(r"## .*")
    assert first.findall(judged.stdout) == first.findall(asked.stdout)

    entry = asked.stdout.split("```toml\n")[1].split("```")[0]
    reason = 'reason = "Staging holds nothing that anybody would miss."'
    with (change / "docs" / "acknowledged.toml").open("a") as acknowledged:
        acknowledged.write("\n" + re.sub(r'reason = "".*', reason, entry))
    passed = impact(repository, "staging", "HEAD", str(change))
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "answers acknowledged" in passed.stdout.splitlines()[0]


def test_a_base_in_the_examples_account_was_never_deployed(repository: Path) -> None:
    """The first pull request of whoever takes this project over, and the second."""
    EDITS["the five values"](Copy(repository))
    first = impact(repository, "production", "HEAD")
    assert (first.returncode, first.stderr) == (1, "")
    assert "the example's account, where nothing is deployed" in first.stdout
    assert first.stdout.startswith("## ⛔ production: 3 questions"), "one per new stack"
    git(repository, "commit", "-qam", "ours")
    Copy(repository).change({"environment.account": "444455556666"})
    Copy(repository).look_up((ACCOUNT, "444455556666"))
    second = impact(repository, "production", "HEAD")
    assert second.returncode == 1, second.stderr
    assert "`aws://210987654321/us-east-1` → `aws://444455556666/us-east-1`" in second.stdout
    git(repository, "checkout", "-q", "HEAD~1", ".")
    git(repository, "commit", "-qm", "the project's again")


def test_an_environment_that_is_removed_is_asked_about(repository: Path) -> None:
    file = repository / "environments" / "development.toml"
    text = file.read_text()
    file.unlink()
    try:
        done = impact(repository, "development", "HEAD")
    finally:
        file.write_text(text)
    assert done.returncode == 1, done.stderr
    assert "vibewell-redis-development-data removed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name an environment and what to compare with"),
        (("staging",), "name an environment and what to compare with"),
        (("staging", ""), "name an environment and what to compare with"),
        (("staging", "nowhere"), "'nowhere' is no revision of this repository"),
        (("staging", "--output=/tmp/x"), "is no revision of this repository"),
        (("nowhere", "HEAD"), "there is no such environment"),
        (("staging", "HEAD", "docs"), "docs/cdk.out is no assembly"),
    ],
)
def test_a_question_that_cannot_be_answered_ends_with_2_and_one_message(
    repository: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = impact(repository, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("file", "edit", "says"),
    [
        (
            "environments/development.toml",
            lambda text: re.sub(r'(?m)^node_type = ".*?"', 'node_type = "huge"', text),
            "environments/development.toml: redis.node_type",
        ),
        (
            "cdk.context.json",
            lambda text: f"<<<<<<< HEAD\n{text}",
            "impact: cdk.context.json is no JSON: line 1",
        ),
    ],
)
def test_files_that_are_wrong_end_with_2_and_their_own_message(
    repository: Path, file: str, edit: Callable[[str], str], says: str
) -> None:
    place = repository / file
    whole = place.read_text()
    place.write_text(edit(whole))
    try:
        done = impact(repository, "development", "HEAD")
    finally:
        place.write_text(whole)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_acknowledgement_for_no_environment_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "acknowledged.toml").write_text(
        '[[acknowledged]]\nenvironment = "prod"\nstack = "s"\nresource = "r"\nwhat = "remove"\n'
        'difference = "0123456789ab"\nreason = "Long enough to be a reason."\n'
    )
    with pytest.raises(ImpactError, match="there is none called 'prod'"):
        command.impact("production", "HEAD", tmp_path)


def test_an_upgrade_of_the_library_is_synthesised_with_what_the_base_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(name: str, library: str, linter: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        (made / "requirements.txt").write_text(f"aws-cdk-lib=={library}  # why\n")
        (made / "requirements-dev.txt").write_text("-r requirements.txt\nruff==1  # why\n")
        (made / "constraints.txt").write_text(f"aws-cdk-lib=={library}\nruff=={linter}\n")
        return made

    here, upgrade = folder("here", "2.1", "1"), folder("upgrade", "2.2", "1")
    assert pins(here) != pins(upgrade)
    assert pins(here) == pins(folder("linter", "2.1", "2")), "checks alone change no template"
    monkeypatch.setattr("tools.impact.revisions.LONGEST", 0.001)
    with pytest.raises(ImpactError, match=r"could not be installed: .*longer.*BASE=deployed"):
        toolchain(upgrade, here, tmp_path)
