"""What was prepared: the file that ``make prepare`` leaves for ``make execute``."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.assembly import Document, parsed_of
from tools.command import Answer

FOLDER = Path("build/prepared")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One stack at the time of the preparation.

    ``change_set`` is the ARN of what would change, None when nothing would. ``updated`` is when
    the stack itself last changed (ISO 8601): another value later means that somebody deployed.
    """

    stack: str
    change_set: str | None
    updated: str


@dataclass(frozen=True, slots=True)
class Record:
    """Every stack of an environment, in the order of deployment.

    ``later`` names those that can only be prepared once the others were executed.
    """

    environment: str
    stacks: tuple[Prepared, ...]
    later: tuple[str, ...] = ()

    @property
    def changing(self) -> tuple[Prepared, ...]:
        """The stacks that an execution changes."""
        return tuple(prepared for prepared in self.stacks if prepared.change_set)


def save(record: Record, folder: Path = FOLDER) -> Path:
    """Write the record of an environment in place of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{record.environment}.json"
    file.write_text(json.dumps(asdict(record), indent=1) + "\n")
    return file


def load(environment: str, folder: Path = FOLDER) -> Record:
    """The record of an environment; Answer says what to do without one."""
    file = folder / f"{environment}.json"
    again = f"Run make prepare ENV={environment} first."
    record = parsed_of(
        file,
        again,
        lambda found: Record(
            environment=found["environment"],
            stacks=tuple(Prepared(**stack) for stack in found["stacks"]),
            later=tuple(found["later"]),
        ),
    )
    if record.environment != environment:
        raise Answer(f"execute: {file} is of {record.environment}. {again}")
    return record


def changed_at(stack: Document) -> str:
    """When a stack that CloudFormation described was last changed (ISO 8601)."""
    moment = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return str(moment.isoformat())
