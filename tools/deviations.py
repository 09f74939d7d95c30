"""How the settings of an environment differ from the plan's, which tests/plan holds."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.assembly import text_of

ROOT = Path(__file__).parent.parent
PLAN = ROOT / "tests" / "plan" / "environments"


def deviations(name: str) -> list[str]:
    """One line for each key that environments/<name>.toml has otherwise than the plan.

    The plan's file is the one of that name, or production's if it has none of that name.
    """
    file = PLAN / f"{name}.toml"
    plan = _values(file if file.exists() else PLAN / "production.toml")
    ours = _values(ROOT / "environments" / f"{name}.toml")
    return [
        f"{key}: {ours.get(key, 'not set')}, in the plan {plan.get(key, 'not set')}"
        for key in sorted({*ours, *plan})
        if ours.get(key) != plan.get(key)
    ]


def _values(file: Path) -> dict[str, str]:
    """Each value by its dotted key."""
    return dict(_flat(tomllib.loads(text_of(file, "Save it as UTF-8."))))


def _flat(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", json.dumps(value, ensure_ascii=False)
