"""The two linters of the workflows find what they are there for."""

import subprocess
from pathlib import Path

import pytest

from emulator.clean_environment import run_command
from tests.support import ROOT

BIN = ROOT / ".venv-delivery" / "bin"
HEAD = "name: x\non: push\npermissions: {}\n"
JOB = "jobs:\n  x:\n    runs-on: ubuntu-24.04\n    steps:\n"


def lint(tool: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return run_command([str(BIN / tool), *arguments], folder)


def actionlint(folder: Path) -> "subprocess.CompletedProcess[str]":
    return lint("actionlint", folder=folder)


def zizmor(folder: Path) -> "subprocess.CompletedProcess[str]":
    options = ("--offline", "--quiet", "--no-progress", "--persona=pedantic", ".github")
    return lint("zizmor", *options, folder=folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".github/workflows").mkdir(parents=True)
    return tmp_path


def test_the_workflows_have_no_finding_and_no_finding_is_ignored() -> None:
    assert (actionlint(ROOT).returncode, zizmor(ROOT).returncode) == (0, 0)
    ours = [*(ROOT / ".github").rglob("*")]
    assert not [file for file in ours if file.stem in ("zizmor", "actionlint")]
    assert not [file for file in ours if file.is_file() and "zizmor: ignore" in file.read_text()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}{JOB}      - uses: actions/checkout@v6\n", "unpinned-uses"),
        (
            HEAD.replace("push", "pull_request_target") + f"{JOB}      - run: make\n",
            "dangerous-triggers",
        ),
        (f"{HEAD}{JOB}      - run: echo ${{{{ github.head_ref }}}}\n", "template-injection"),
        (HEAD.replace("{}", "write-all") + f"{JOB}      - run: make\n", "excessive-permissions"),
        (f"{HEAD}{JOB}      - uses: actions/checkout@{'a' * 40} # v6.0.2\n", "artipacked"),
    ],
)
def test_what_could_misuse_a_workflow_is_found(checkout: Path, text: str, said: str) -> None:
    (checkout / ".github/workflows/x.yml").write_text(text)
    found = zizmor(checkout)
    assert found.returncode != 0
    assert said in found.stdout
