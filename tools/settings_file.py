"""Changes of an environment's file that keep its comments, checked before anything is written."""

import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AbstractTable

from environments import load as settings_files
from environments.renamed import rename
from environments.schema import Settings

Changes = Mapping[str, Any]  # by dotted key; None takes the key away


def path_of(name: str) -> Path:
    """The file of an environment."""
    return settings_files.FOLDER / f"{name}.toml"


def text_of(name: str) -> str:
    """The file's text, without the mark that some editors begin a file with."""
    return path_of(name).read_text(encoding="utf-8-sig")


def document_of(name: str) -> dict[str, Any]:
    """The file as TOML gives it, its keys by their present names. Raises SettingsError."""
    document = tomllib.loads(text_of(name))
    try:
        rename(document)
    except ValueError as both:
        raise settings_files.SettingsError(path_of(name), [str(both)]) from None
    return document


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value of a dotted key; None where there is none."""
    found: Any = document
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def differing(document: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """The changes that are changes: 300 and "300" are one value to AWS."""
    return {
        path: int(value) if isinstance(value, str) and value.isdecimal() else value
        for path, value in changes.items()
        if str(value_at(document, path)) != str(value)
    }


def edited(text: str, changes: Changes) -> str:
    """The file's text with these values."""
    document = tomlkit.parse(text)
    rename(document)
    for path, value in changes.items():
        *tables, key = path.split(".")
        table: Any = document
        for name in tables:
            if not isinstance(table.get(name), (AbstractTable, dict)):
                table[name] = tomlkit.table()
            table = table[name]
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    # A table that is new comes without the empty line before the next one.
    return re.sub(r"(=[^\n]*\n)\[", r"\1\n[", tomlkit.dumps(document))


def checked(name: str, text: str) -> Settings:
    """The settings that a file of this text gives. Raises SettingsError."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "environments"
        there.mkdir()
        (there / f"{name}.toml").write_text(text, encoding="utf-8")
        return settings_files.load(name, there)


def write(name: str, text: str) -> None:
    """Put the text in the file's place, whole or not at all."""
    file = path_of(name)
    new = file.with_suffix(".toml.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
