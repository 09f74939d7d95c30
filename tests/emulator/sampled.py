"""AWS's own samples of answers, which hold every answer of the emulator.

`samples/answers.json` states for each operation and situation the fields that a sample has, and its
source. `unproven` are fields of botocore's model that no sample shows and our code survives
without; `no_sample` and `unread` are operations with the reason why there is none.
"""

import json
from pathlib import Path
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

DOCUMENT = json.loads((Path(__file__).parent / "samples/answers.json").read_text())
_EVERYWHERE = {"Marker", "NextToken", "nextToken", "ResponseMetadata"}


def fields(shape: Shape, answer: Any, at: str = "") -> set[str]:
    """Paths of the fields that an answer has: `Users[].UserId`, `Attributes{}`."""
    if isinstance(shape, ListShape):
        return {path for each in answer for path in fields(shape.member, each, f"{at}[]")}
    if isinstance(shape, MapShape):
        return {path for each in answer.values() for path in fields(shape.value, each, f"{at}{{}}")}
    found = set[str]()
    if isinstance(shape, StructureShape):
        for name, value in answer.items():
            if name not in _EVERYWHERE:
                path = f"{at}.{name}".lstrip(".")
                found |= {path, *fields(shape.members[name], value, path)}
    return found


def beyond(operation: str, model: OperationModel, answer: dict[str, Any]) -> set[str]:
    """What an answer has and no sample of its operation; nobody reads those without samples."""
    samples = DOCUMENT["answers"].get(operation)
    if samples is None or model.output_shape is None:
        return set()
    known = {path for sample in samples for path in sample["fields"]}
    there = fields(model.output_shape, answer) - known
    return {
        f"{operation} {path}" for path in there - DOCUMENT["unproven"].get(operation, {}).keys()
    }
