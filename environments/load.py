"""From a file in this folder to checked Settings, or to one clear message for each mistake."""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from environments.renamed import rename
from environments.schema import Settings
from environments.section import Refusal

FOLDER = Path(__file__).parent  # where the files are, unless a caller names another folder

# What to write where Pydantic's own message only says what is wrong.
_REMEDIES = {
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        "Write a table: [name] and its keys below it, or { key = value }",
    ),
    "tuple_type": 'Write a list: ["one", "two"]',
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
    **dict.fromkeys(
        ("union_tag_not_found", "union_tag_invalid"), 'Write kind = "existing" or kind = "own"'
    ),
}
# Where that message is in Python's words.
_WRONG = {
    "tuple_type": "it is not a list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "it is not a table"),
    "union_tag_not_found": "it has no kind",
    "union_tag_invalid": "its kind is neither existing nor own",
}

# What opens something wherever it is written: keys of AWS, tokens of GitHub and Slack, addresses of
# Slack's and PagerDuty's integrations, private keys, and what an address carries as a parameter.
_SECRET = re.compile(
    r"(?i:(AKIA|ASIA)[0-9A-Z]{16}|gh[oprsu]_\w{30}|github_pat_|xox[a-z]-|hooks\.slack\.com/|-----BEGIN"
    r"|events\.pagerduty\.com/integration|^u\+[\w-]{18}$"
    r"|[?&][\w-]*(token|key|secret|password|sig|signature)=[^&])"
    r"|^(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9/+]{40}$"
)


class SettingsError(Exception):
    """What is wrong with an environment's settings: each line names file and key."""

    def __init__(self, file: Path, problems: Iterable[str]) -> None:
        """``file`` is named by its folder and name, as a user finds it in the checkout."""
        where = f"{file.parent.name}/{file.name}"
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))


def environment_names(folder: Path | None = None) -> list[str]:
    """Every environment that has a file, in alphabetical order."""
    # Editors and macOS leave hidden files of the same ending.
    return sorted(file.stem for file in (folder or FOLDER).glob("[!.]*.toml"))


def load(name: str, folder: Path | None = None) -> Settings:
    """The settings of the environment ``name``; SettingsError lists everything that is wrong."""
    folder = folder or FOLDER
    file, known = folder / f"{name}.toml", environment_names(folder)
    try:
        if name not in known:
            raise Refusal(
                f"there is no such environment. Those with a file are: {', '.join(known)}"
            )
        document = _parsed(file)
        if anywhere := list(_refused_anywhere(document)):
            raise SettingsError(file, anywhere)
        for old, new in rename(document).items():
            _warn(f"{file.parent.name}/{file.name}", old, new)
        settings = Settings.model_validate(document)
        if name != (written := settings.environment.name):
            raise Refusal(
                f"environment.name: {written!r} is not the file's name. Stacks carry it. Name the "
                f"file {written}.toml, or write its name."
            )
    except ValidationError as problem:
        raise SettingsError(file, map(_render, problem.errors())) from None
    except Refusal as problem:
        raise SettingsError(file, [str(problem)]) from None
    return settings


@cache  # once in a process, however often a file is read
def _warn(where: str, old: str, new: str) -> None:
    print(
        f"{where}: {old}: this key is now called {new}. The next release does not know the old "
        "name. Rename it.",
        file=sys.stderr,
    )


def _parsed(file: Path) -> dict[str, Any]:
    text = ""
    try:
        text = file.read_text(encoding="utf-8-sig")  # some editors of Windows write the signature
        document = tomllib.loads(text)
    except OSError as problem:
        wrong = f"cannot be read: {problem.strerror}"
    except UnicodeDecodeError as problem:
        wrong = f"is not UTF-8 text: {problem.reason}. Save it as UTF-8."
    except tomllib.TOMLDecodeError as problem:
        wrong = _not_toml(str(problem), text)
    except RecursionError:
        wrong = "is not TOML: tables or lists are nested hundreds deep. Leave brackets out."
    except ValueError:  # Python's own limit, of 4,300 digits
        wrong = "is not TOML: a number has thousands of digits. Write it in quotes if it is text."
    else:
        if document:
            return document
        wrong = "is empty. Every setting is written down: make new-environment copies another's."
    raise Refusal(wrong)


def _not_toml(problem: str, text: str) -> str:
    """The parser's own words with the key of the line; never its value, which may be a secret."""
    lines = text.splitlines()
    where = re.search(r"at line ([0-9]+)", problem)
    number = int(where[1]) if where else len(lines)
    key = re.match(r"\s*([\w.\"'-]+)\s*=", lines[number - 1] if 0 < number <= len(lines) else "")
    return (
        f"line {number}{f', key {key[1]}' if key else ''}: is not TOML: {problem}. A line is "
        '[table] or key = value, each once; text is in quotes: name = "value"'
    )


def _refused_anywhere(value: object, path: str = "") -> Iterator[str]:
    """What no key takes, whichever it is; a secret is not repeated."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if wrong := list(_wrong_text(key)):
                yield _tidy(f"{path or 'the file'}: a key {wrong[0]}")
            else:
                yield from _refused_anywhere(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _refused_anywhere(inner, path)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield _tidy(f"{path}: the number has over 64 bits. TOML has no such. Write a smaller one.")
    elif isinstance(value, str):
        yield from (_tidy(f"{path}: this {why}") for why in _wrong_text(value))


def _wrong_text(text: str) -> Iterator[str]:
    if _SECRET.search(text):
        yield (
            "looks like a secret (it is not repeated here). Files, templates and AWS's consoles "
            "show it to everybody. Take it out, and make it invalid."
        )
    elif "{{" in text or "${" in text:
        yield (
            "has {{ or ${ in it. CloudFormation or CDK would put something else in its place. "
            "Write the text itself."
        )
    elif text != text.strip():
        yield "begins or ends with a space or a new line. AWS keeps or refuses it. Leave it out."


def _render(error: ErrorDetails) -> str:
    """One sentence for a mistake: key, what is wrong, what to write instead."""
    path = [str(part) or '""' for part in error["loc"]]
    if path[:2] == ["network", "vpc"] and path[2:3] in (["existing"], ["own"]):
        del path[2]  # the tag of the union: the reader's file has no such key
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
            wrong = _WRONG.get(error["type"], error["msg"])
            remedy = _REMEDIES.get(error["type"], "Change the value")
            message = f"{wrong[0].lower()}{wrong[1:]}. {remedy}."
    return _tidy(f"{'.'.join(path)}: {message}")


def _tidy(message: str) -> str:
    """One printable line, without what is too long to be read."""
    printable = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in message)
    return re.sub(r"[^\s,]{160,}", lambda long: f"{long[0][:60]}...{long[0][-20:]}", printable)


def _unknown_key(error: ErrorDetails) -> str:
    name = str(error["loc"][-1])
    known = _keys_beside(error["loc"])
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    instead = f"Did you mean {near[0]!r}?" if near else f"The keys here are: {', '.join(known)}."
    return f"unknown key. It would have no effect. {instead}"


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at this place may have."""
    schema = _schema()
    definitions, table = schema.get("$defs", {}), schema
    for part in loc[:-1]:
        if mapping := table.get("discriminator", {}).get("mapping"):
            table = {"$ref": mapping.get(part, "")}
        else:
            inner = table.get("properties", {}).get(str(part), table.get("additionalProperties"))
            table = (table.get("items") if isinstance(part, int) else inner) or {}
        table = table.get("anyOf", [table])[0]  # the other one is None
        while reference := table.get("$ref"):
            table = definitions.get(reference.rsplit("/", 1)[-1], {})
    return sorted(table.get("properties", {}))
