"""``make impact`` as a user runs it, on a repository of its own."""

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


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's files as one commit, with what make setup made beside them."""
    folder = tmp_path_factory.mktemp("made") / "repository"
    copy(folder)
    shutil.copytree(ROOT / "docs", folder / "docs", dirs_exist_ok=True)
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
    assert "-dirty`" in asked.stdout
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
    (repository / "environments" / "development.toml").unlink()
    done = impact(repository, "development", "HEAD")
    git(repository, "checkout", "-q", ".")
    assert done.returncode == 1, done.stderr
    assert "vibewell-redis-development-data removed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "edited", "says"),
    [
        ((), None, "name an environment and what to compare with"),
        (("staging",), None, "name an environment and what to compare with"),
        (("staging", ""), None, "name an environment and what to compare with"),
        (("staging", "nowhere"), None, "'nowhere' is no revision of this repository"),
        (("staging", "--output=/tmp/x"), None, "is no revision of this repository"),
        (("nowhere", "HEAD"), None, "there is no such environment"),
        (("staging", "HEAD", "docs"), None, "docs/cdk.out/manifest.json: it cannot be read"),
        (
            ("development", "HEAD"),
            ("environments/development.toml", 'node_type = "', 'node_type = "x'),
            "environments/development.toml: redis.node_type",
        ),
        (
            ("development", "HEAD"),
            ("cdk.context.json", "{", "<<<<<<< HEAD\n{"),
            "cdk.context.json: it is not JSON: line 1",
        ),
        (
            ("development", "HEAD"),
            ("requirements.txt", "aws-cdk-lib==", "aws-cdk-lib==1"),
            "pins other versions in requirements.txt than this checkout",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_ends_with_2_and_one_message(
    repository: Path, arguments: tuple[str, ...], edited: tuple[str, str, str] | None, says: str
) -> None:
    if edited:
        name, was, becomes = edited
        place = repository / name
        assert was in place.read_text()
        place.write_text(place.read_text().replace(was, becomes, 1))
    done = impact(repository, *arguments)
    git(repository, "checkout", "-q", ".")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
