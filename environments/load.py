"""From a file in this folder to checked Settings, or to one clear message for each mistake."""

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from environments.schema import Settings
from environments.section import Refusal

FOLDER = Path(__file__).parent  # where the files are, unless a caller names another folder

# What to write where Pydantic's own message only says what is wrong.
_REMEDIES = {
    "bool_type": "Write true or false, without quotes",
    "finite_number": "Nothing is ever measured so high: write a number",
    "int_type": "Write a whole number, without quotes",
    "float_type": "Write a number, without quotes",
    "string_type": "Write text, in quotes",
    "literal_error": "Write one of those, in quotes",
    "string_too_short": "Write the name",
    "string_too_long": "AWS takes no longer text here: write a shorter one",
    "string_pattern_mismatch": "AWS takes no other characters here: leave them out",
    "greater_than_equal": "Write a greater number",
    "less_than_equal": "Write a smaller number",
    "greater_than": "Nothing is measured or limited by zero or less: write a greater number",
    "less_than": "The figure could never be reached: write a smaller number",
    "union_tag_not_found": 'Write kind = "existing" or kind = "own"',
    "union_tag_invalid": 'Write kind = "existing" or kind = "own"',
}


class SettingsError(Exception):
    """What is wrong with an environment's settings: each line names file and key."""

    def __init__(self, file: Path, problems: Iterable[str]) -> None:
        """``file`` is named by its folder and name, as a user finds it in the checkout."""
        where = f"{file.parent.name}/{file.name}"
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))


def environment_names(folder: Path | None = None) -> list[str]:
    """Every environment that has a file, in alphabetical order."""
    return sorted(file.stem for file in (folder or FOLDER).glob("*.toml"))


def load(name: str, folder: Path | None = None) -> Settings:
    """The settings of the environment ``name``; SettingsError lists everything that is wrong."""
    folder = folder or FOLDER
    file = folder / f"{name}.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(environment_names(folder))
        raise SettingsError(
            file, [f"there is no such environment. Those with a file are: {known}"]
        ) from None
    except OSError as problem:
        raise SettingsError(file, [f"cannot be read: {problem.strerror}"]) from None
    except UnicodeDecodeError as problem:
        raise SettingsError(file, [f"is not UTF-8 text: {problem.reason}"]) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(file, [f"is not TOML: {problem}"]) from None
    try:
        settings = Settings.model_validate(document)
    except ValidationError as problem:
        raise SettingsError(file, [_render(error) for error in problem.errors()]) from None
    if settings.environment.name != name:
        mistake = f"environment.name: it is not the file's name. Stacks carry it: write {name!r}."
        raise SettingsError(file, [mistake])
    return settings


def refuse_shared_servers(settings: Settings, folder: Path | None = None) -> None:
    """SettingsError if another environment's document would reach these servers too.

    State Manager finds servers by their tag in its account and Region. A file that is wrong
    otherwise is refused when it is synthesised itself.
    """
    place, tag = settings.environment, settings.application.server_tag
    folder = folder or FOLDER
    for name in environment_names(folder):
        if name == place.name or tag is None:
            continue
        try:
            other = load(name, folder)
        except SettingsError:
            continue
        there = other.environment
        if (there.account, there.region, other.application.server_tag) == (
            place.account,
            place.region,
            tag,
        ):
            changed = name if place.name == "production" else place.name
            mistake = (
                f"application.server_tag: {tag.key}={tag.value} is the tag in "
                f"environments/{name}.toml too. Both are in account {place.account}, "
                f"{place.region}, so {name}'s kernel values would be set on the servers of "
                f"{place.name}, and the other way round. Write another tag into "
                f'environments/{changed}.toml, for example value = "{tag.value}-{changed}", and '
                f"give it to {changed}'s servers."
            )
            raise SettingsError(folder / f"{place.name}.toml", [mistake])


def _render(error: ErrorDetails) -> str:
    """One sentence for a mistake: key, what is wrong, what to write instead."""
    # A tagged union puts its tag into the path: the reader's file has no such key.
    path = [str(part) for part in error["loc"] if part not in ("existing", "own")]
    if path[:2] == ["application", "rate_limits"] and path[3:4] == ["0"]:
        del path[3]  # one window is written without a list
    message: str
    match error["type"]:
        case "value_error":
            problem = error["ctx"]["error"]
            path += [problem.key] if isinstance(problem, Refusal) and problem.key else []
            message = str(problem)
        case "extra_forbidden":
            message = _unknown_key(error)
        case "missing":
            message = "this key is missing. Every setting is written down. Add it."
        case _:
            # The input is not repeated: it could be a secret in the wrong place.
            message = f"{error['msg'].lower()}. {_REMEDIES.get(error['type'], 'Change the value')}."
    return f"{'.'.join(path)}: {message}"


def _unknown_key(error: ErrorDetails) -> str:
    name = str(error["loc"][-1])
    known = _keys_beside(error["loc"])
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    instead = f"Did you mean {near[0]!r}?" if near else f"The keys here are: {', '.join(known)}."
    return f"unknown key. It would have no effect. {instead}"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at this place may have."""
    schema: dict[str, Any] = Settings.model_json_schema()
    definitions, table = schema.get("$defs", {}), schema
    for part in loc[:-1]:
        if mapping := table.get("discriminator", {}).get("mapping"):
            table = {"$ref": mapping.get(part, "")}
        else:
            inner = table.get("properties", {}).get(str(part), table.get("additionalProperties"))
            table = (table.get("items") if isinstance(part, int) else inner) or {}
        while reference := table.get("$ref"):
            table = definitions[reference.rsplit("/", 1)[-1]]
    return sorted(table.get("properties", {}))
