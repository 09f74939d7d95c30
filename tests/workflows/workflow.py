"""The workflows as data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.support import ROOT

FOLDER = ROOT / ".github" / "workflows"


@dataclass(frozen=True)
class Job:
    """One job; ``name`` is for what a failing test says."""

    workflow: str
    id: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.workflow}: {self.id}"

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.body["steps"])

    def given(self, action: str) -> dict[str, Any]:
        """What the one step that uses an action hands to it."""
        (inputs,) = (step["with"] for step in self.steps if action in step.get("uses", ""))
        return dict(inputs)

    @property
    def scripts(self) -> list[str]:
        return [step["run"] for step in self.steps if "run" in step]

    @property
    def targets(self) -> list[str]:
        """The make targets that it runs, in their order."""
        return [
            found[1]
            for script in self.scripts
            for found in re.finditer(r"\bmake (?:--silent )?([a-z-]+)", script)
        ]


@cache
def documents() -> dict[str, dict[Any, Any]]:
    """Each workflow by its file's name."""
    return {file.name: yaml.safe_load(file.read_text()) for file in files()}


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.yml"))


def jobs() -> Iterator[Job]:
    """Every job of every workflow."""
    for workflow, document in documents().items():
        for name, body in document["jobs"].items():
            yield Job(workflow, name, body)


def job(workflow: str, name: str) -> Job:
    return Job(workflow, name, documents()[workflow]["jobs"][name])


def events(workflow: str) -> dict[str, Any]:
    """What starts it. YAML 1.1 reads the key `on` as a truth."""
    return dict(documents()[workflow][True])
