"""docs/reference/settings.md, from the model and the plan's files: ``make settings-reference``."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from environments import load
from environments.application_settings import RateLimit
from environments.schema import Settings

_HEAD = """# Settings reference

For whoever edits a file in [environments/](../../environments). `make settings-reference` writes it
from the model that checks the files. § is the section of the [plan](plan.md), whose values are in
[production.toml](../../environments/production.toml). A key with a default may be left out.
"""
# Keys that production.toml lacks or does not explain.
_MEANING = {
    "environment.tags": "tags of every resource",
    "environment.reserved_concurrency": "see [rotation.md](../operate/rotation.md)",
    "network.vpc.endpoints": "what the application calls; each costs by the hour and zone",
    "redis.existing": "the group is somebody else's: [adoption](../start/adoption.md) writes it",
    "redis.scaled": "when `make scale` changed the nodes; it writes it",
    "notifications.test_monthly": "a test alarm on the first Tuesday of each month",
    "redis.extra_commands": "commands that clients may send in addition to the usual ones",
    "redis.data_tiering": "keeps rarely used values on the SSD of r6gd nodes",
    "redis.durability": "Valkey 9.0 and later, cluster mode: a log of writes over zones",
    "rotation.endpoint_zones": "zones that have the services; otherwise each of the subnets",
    "rotation.endpoint_security_group_id": "of endpoints that the VPC has already",
    "delivery.repository": "`owner@id/name@id`, as in the subject of GitHub's tokens",
    "delivery.approval": "workflows execute only change sets that were approved",
    "delivery.own_identity_provider": "makes the account's one identity provider for GitHub",
}
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "maxLength": "at most {} characters",
}
_COMMENT = re.compile(
    r"^(\[)?([a-z_.]+)(?:\]| = (?:\"[^\"]*\"|[^#])*?) *(?:# ?(.*))?$", re.MULTILINE
)


def rendered() -> str:
    """The whole page as Markdown."""
    text = (load.FOLDER / "production.toml").read_text()
    return "\n".join((_HEAD, *_section(Settings, "", _comments(text))))


def _comments(text: str) -> dict[str, str]:
    found, section = dict(_MEANING), ""
    for table, key, comment in _COMMENT.findall(text):
        section = key if table else section
        if comment:
            found[key if table else f"{section}.{key}"] = comment
    return found


def _section(model: type[BaseModel], path: str, comments: dict[str, str]) -> Iterator[str]:
    properties = model.model_json_schema()["properties"]
    inner = {name: _models(field.annotation) for name, field in model.model_fields.items()}
    if rows := [name for name, models in inner.items() if not models]:
        about, _, _ = (model.__doc__ or "").partition("\n")
        yield f"\n## [{path}]\n\n{about}\n"
        table = [["key", "type", "default", "meaning; rules", "§"]]
        for name in rows:
            field, kind = model.model_fields[name], properties[name]
            # The plan's network is an existing one.
            comment = "" if kind.get("const") == "own" else comments.get(f"{path}.{name}", "")
            kind = next((one for one in kind.get("anyOf", ()) if one != {"type": "null"}), kind)
            meaning = re.sub(r"\(?§\d[\d., ]*\)?|<- \d\. ", "", comment).strip(" ,;")
            table.append(
                [
                    *(
                        f"`{name}`",
                        _type(kind),
                        "" if field.is_required() else _value(field.default),
                    ),
                    "; ".join(filter(None, (meaning, *_rules(model, name, kind)))),
                    ", ".join(re.findall(r"\d\.\d", "".join(re.findall(r"§[\d., ]*", comment)))),
                ]
            )
        # A column without a value in any row is left out.
        columns = [column for column in zip(*table, strict=True) if any(column[1:])]
        for number, cells in enumerate(zip(*columns, strict=True)):
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
            if not number:
                yield "|---" * len(columns) + "|"
    if whole := [_sentence(rule) for rule in model.__pydantic_decorators__.model_validators]:
        yield f"\nRules over several keys: {'; '.join(whole)}."
    for name, models in inner.items():
        for one in models:
            yield from _section(one, f"{path}.{name}".lstrip("."), comments)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The tables that a key is; a rate limit is a value in the file."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [] if annotation is RateLimit else [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _type(kind: dict[str, Any]) -> str:
    if values := kind.get("enum") or ([kind["const"]] if "const" in kind else None):
        return " or ".join(f'`"{value}"`' for value in values)
    if kind.get("type") == "array":
        return "table" if "$ref" in kind["items"] else f"list of {_type(kind['items'])}"
    return str(kind.get("type", "string")).replace("object", "table")


def _value(value: object) -> str:
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _rules(model: type[BaseModel], name: str, kind: dict[str, Any]) -> Iterator[str]:
    yield from (text.format(kind[key]) for key, text in _BOUNDS.items() if key in kind)
    for one in model.model_fields[name].metadata:
        if (check := getattr(one, "func", None)) and check.__doc__:
            rule = re.split(r"[.;]?(?:\n|; )", check.__doc__)[0].rstrip(".").replace("``", "`")
            yield re.sub("^(?:Parse|Return) (?:the )?", "", rule)
    for rule, found in model.__pydantic_decorators__.field_validators.items():
        if name in found.info.fields:
            yield _sentence(rule)


def _sentence(rule: str) -> str:
    return rule.strip("_").replace("_", " ").replace("aws", "AWS").replace("redis", "Redis")
