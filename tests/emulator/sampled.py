"""AWS's own samples of answers, which hold every answer of the emulator.

`samples/answers.json` states for each operation and situation the fields that a sample has, and its
source. `unproven` are fields of botocore's model that no sample shows and our code survives
without; `no_sample` and `unread` are operations with the reason why there is none.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emulator.model import service

_PAGING = {"Marker", "NextToken", "nextToken"}
_FILLERS = {"boolean": True, "timestamp": datetime(2026, 11, 1, 12, 0, tzinfo=UTC), "blob": b""}
_FOLDER = Path(__file__).parent / "samples"
DOCUMENT = json.loads((_FOLDER / "answers.json").read_text())
if (_FOLDER / "recorded.json").exists():  # of make prove-on-aws: what AWS itself answered
    for _operation, _samples in json.loads((_FOLDER / "recorded.json").read_text()).items():
        DOCUMENT["answers"].setdefault(_operation, []).extend(_samples)
        for _reasons in (DOCUMENT["no_sample"], DOCUMENT["unproven"]):
            _reasons.pop(_operation, None)


def unsampled(operation: str, paths: Iterable[str]) -> set[str]:
    """An answer's fields that no sample of its operation has; none if it has no sample."""
    samples = DOCUMENT["answers"].get(operation)
    if samples is None:
        return set()
    known = {path for sample in samples for path in sample["fields"]}
    unproven = DOCUMENT["unproven"].get(operation, {})
    return {f"{operation} {path}" for path in {*paths} - known - unproven.keys() - _PAGING}


def whole(operation: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each sample that is not abbreviated, and an answer with its fields and no others."""
    for sample in DOCUMENT["answers"][operation]:
        if "abbreviated" not in sample["source"]:
            yield sample, answer(operation, set(sample["fields"]))


def minimal() -> dict[str, list[str]]:
    """By operation the fields that each of its samples has, ElastiCache's apart.

    Nothing of an operation without a sample: its answer keeps what botocore's model requires.
    ElastiCache's samples are of groups in different states: tests/test_aws_answers.py reads each.
    """
    by_request = {"ec2:DescribeVpcAttribute", "lambda:Invoke"}  # which field there is
    # Without a key of one's own there is none.
    means = {"logs:DescribeLogGroups": {"logGroups[].kmsKeyId"}}
    by_operation: dict[str, list[str]] = {operation: [] for operation in DOCUMENT["no_sample"]}
    for operation, samples in DOCUMENT["answers"].items():
        if not operation.startswith("elasticache:"):
            each = [{*sample["fields"]} for sample in samples]
            combine = set.union if operation in by_request else set.intersection
            by_operation[operation] = sorted(combine(*each) | means.get(operation, set()))
    return by_operation


def answer(operation: str, paths: set[str]) -> dict[str, Any]:
    """An answer with these fields: one item in each list, as the model types it."""
    name, _, called = operation.partition(":")
    shape = service(name).operation_model(called).output_shape
    assert shape is not None
    filled: dict[str, Any] = _filled(shape, "", paths)
    return filled


def _filled(shape: Any, at: str, paths: set[str]) -> Any:
    if shape.type_name == "structure":
        inside = {name: f"{at}.{name}".lstrip(".") for name in shape.members}
        return {
            name: _filled(shape.members[name], path, paths)
            for name, path in inside.items()
            if path in paths
        }
    if shape.type_name == "list":
        return [_filled(shape.member, f"{at}[]", paths)]
    if shape.type_name == "map":
        return {"key": _filled(shape.value, f"{at}{{}}", paths)}
    return _FILLERS.get(shape.type_name, "text-001" if shape.type_name == "string" else 1)
