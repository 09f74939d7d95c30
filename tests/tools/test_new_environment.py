"""make new-environment writes all that names an environment, or nothing."""

import shutil
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from environments import load as settings_files
from environments.load import SettingsError, load
from environments.together import refuse_shared
from tests.support import LIVE, PLAN, ROOT
from tests.workflows.test_linters import actionlint, zizmor
from tools import new_environment
from tools.command import Answer

CHANNEL = "C0NEWNEW00"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's settings and workflows."""
    shutil.copytree(PLAN / "environments", tmp_path / "environments")
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(settings_files, "FOLDER", tmp_path / "environments")
    monkeypatch.setattr(new_environment, "WORKFLOWS", tmp_path / ".github" / "workflows")
    return tmp_path


def files(folder: Path) -> dict[Path, str]:
    return {file: file.read_text() for file in folder.rglob("*.*ml")}


@pytest.mark.parametrize(
    ("source", "deploys"),
    [("staging", {"qa"}), ("production", {"prepare-qa", "qa"}), ("development", set())],
)
def test_a_new_environment_is_legal_beside_the_others_and_is_delivered_as_its_model(
    folder: Path, source: str, deploys: set[str]
) -> None:
    before = files(folder)
    assert new_environment.main("qa", source, CHANNEL) == 0
    for name in ("qa", source):
        refuse_shared(load(name))
    found = {
        file.name: yaml.safe_load(file.read_text())["jobs"]
        for file in (folder / ".github" / "workflows").iterdir()
    }
    added = {job: body for job, body in found["deliver.yml"].items() if job.endswith("qa")}
    assert set(added) == deploys
    assert {body["environment"] for body in added.values()} <= {"qa", "qa-plan"}
    assert all(source not in run for body in added.values() for run in _runs(body))
    if deploys:
        assert "qa" in found["drift.yml"]["drift"]["strategy"]["matrix"]["environment"]
        assert found["updates.yml"]["qa"]["concurrency"]["group"] == "vibewell-redis-qa"
    for file, text in before.items():  # nothing of the others is changed
        kept = [line for line in text.splitlines() if "matrix" not in line and "[" not in line]
        assert set(kept) <= set(file.read_text().splitlines())
    for lint in (actionlint, zizmor):
        assert lint(folder).returncode == 0


def _runs(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return [step.get("run", "") for step in body["steps"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", "staging", CHANNEL), "NAME, FROM or CHANNEL is missing"),
        (("qa", "staging", ""), "NAME, FROM or CHANNEL is missing"),
        (("Q!", "staging", CHANNEL), "2 to 20 lower-case letters"),
        (("prepare", "staging", CHANNEL), "a workflow's job already"),
        (("production", "staging", CHANNEL), "a workflow's job already"),
        (("development", "staging", CHANNEL), "is there already"),
        (("qa", "nope", CHANNEL), "development, production, staging"),
        (("qa", "staging", "C0EXAMPLE1"), "Chatbot takes a channel once"),
        (("qa", "staging", "#alerts"), "not a channel id"),
    ],
)
def test_what_cannot_be_added_is_one_message_and_nothing_is_written(
    folder: Path, arguments: tuple[str, str, str], words: str
) -> None:
    before = files(folder)
    with pytest.raises((Answer, SettingsError)) as refused:
        new_environment.main(*arguments)
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert files(folder) == before


def test_the_environments_here_are_the_ones_that_are_delivered() -> None:
    drift = yaml.safe_load((ROOT / ".github/workflows/drift.yml").read_text())
    names = set(drift["jobs"]["drift"]["strategy"]["matrix"]["environment"])
    assert names <= {file.stem for file in LIVE.glob("*.toml")}, "a removed one is still delivered"
