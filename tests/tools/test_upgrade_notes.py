"""`make upgrade-notes` between two commits of a small repository, and a key that has two names."""

from pathlib import Path

import pytest

from emulator.clean_environment import run_command
from environments import load as settings_files
from environments import renamed
from environments.load import SettingsError, load
from tools import settings_file, upgrade_notes
from tools.command import Answer

OLD = """
from pydantic import BaseModel

class Redis(BaseModel):
    engine: str
    copies: int
    gone: int | None = None
    unused: int | None = None
    days: int = 7

class Settings(BaseModel):
    redis: Redis
"""
NEW = OLD.replace("copies: int", "replicas: int\n    port: int").replace("= 7", "= 14")
NEW = NEW.replace(
    "    gone: int | None = None\n    unused: int | None = None\n", "    quiet: bool = True\n"
)
FILE = '[redis]\nengine = "redis-6.2"\ncopies = 2\ngone = 1\n'
CHANGES = "# Changes\n\n## 1.0.0\n\nFirst.\n"


def commit(folder: Path, schema: str, names: str, changes: str) -> None:
    for name, text in {
        "environments/__init__.py": "",
        "environments/schema.py": schema,
        "environments/renamed.py": f"RENAMED = {names}",
        "client/CHANGELOG.md": changes,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (["add", "-A"], ["commit", "-qm", "a release"]):
        run_command(["git", *identity, *words], folder, check=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two releases; the owner's file is that of the first one."""
    run_command(["git", "init", "-q"], tmp_path, check=True)
    commit(tmp_path, OLD, "{}", CHANGES)
    run_command(["git", "tag", "v1.0"], tmp_path, check=True)
    names = '{"redis.copies": "redis.replicas"}'
    commit(tmp_path, NEW, names, CHANGES.replace("## 1.0", "## 1.1.0\n\nMore.\n\n## 1.0"))
    (tmp_path / "environments/production.toml").write_text(FILE)
    monkeypatch.setattr(settings_files, "FOLDER", tmp_path / "environments")
    return tmp_path


def notes_of(repository: Path, judged: object) -> str:
    return "\n".join(upgrade_notes.notes("production", "v1.0", repository, judged))  # type: ignore[arg-type]


def test_the_notes_name_each_key_the_templates_and_the_clients_new_version(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade_notes, "load", lambda _name: None)
    asked = []

    def judged(name: str, base: str) -> tuple[str, bool]:
        asked.append((name, len(base)))
        return "judged", False

    said = notes_of(repository, judged)
    for line in (
        "- `redis.copies` is now `redis.replicas`: rename it in your file: the name redis.copies "
        "ends with the next release",
        "- `redis.gone` is gone: take it out of your file",
        "- `redis.unused` is gone: your file does not have it",
        "- `redis.port` is new: write it into your file",
        "- `redis.quiet` is new: left out, it is true",
        "- `redis.days` is left out of your file: it was 7, now it is 14",
        "## Templates\n\njudged",
        "## Client\n\n### 1.1.0\n\nMore.",
    ):
        assert line in said
    assert "redis.replicas` is new" not in said
    assert "First." not in said
    assert asked == [("production", 40)]


def test_a_file_that_the_release_refuses_and_a_base_that_cannot_be_judged_are_in_the_notes(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = notes_of(repository, None)
    assert "This release refuses the file as it is:" in said
    assert "Correct the file first." in said
    monkeypatch.setattr(upgrade_notes, "load", lambda _name: None)

    def refuse(_name: str, _base: str) -> tuple[str, bool]:
        raise Answer("impact: it pins other versions.")

    assert "They are not compared. impact: it pins other versions." in notes_of(repository, refuse)


def test_a_release_that_is_not_here_is_one_message(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Answer, match="'v9' is no revision of this repository"):
        list(upgrade_notes.notes("production", "v9", repository))
    assert upgrade_notes.main(["production", ""]) == 2
    assert "FROM=v1.0" in capsys.readouterr().err


@pytest.fixture
def two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Production's file, with a key by the name that it had in the last release."""
    monkeypatch.setattr(renamed, "RENAMED", {"redis.copies": "redis.replicas"})
    text = (settings_files.FOLDER / "production.toml").read_text()
    file = tmp_path / "environments/production.toml"
    file.parent.mkdir()
    file.write_text(text.replace("\nreplicas = ", "\ncopies = "))
    return file


def test_a_key_is_read_by_its_old_name_with_one_warning(
    two_names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "copies = 2" in two_names.read_text()
    assert load("production", two_names.parent) == load("production")
    load("production", two_names.parent)
    assert capsys.readouterr().err == (
        "environments/production.toml: redis.copies: this key is now called redis.replicas. The "
        "next release does not know the old name. Rename it.\n"
    )
    changed = settings_file.edited(two_names.read_text(), {"redis.replicas": 3})
    assert "copies" not in changed
    assert "replicas = 3" in changed


def test_both_names_at_once_are_refused(two_names: Path) -> None:
    text = two_names.read_text()
    two_names.write_text(text.replace("\ncopies = 2", "\ncopies = 2\nreplicas = 2"))
    with pytest.raises(
        SettingsError, match=r"redis.copies: is the old name of redis.replicas, and"
    ):
        load("production", two_names.parent)
