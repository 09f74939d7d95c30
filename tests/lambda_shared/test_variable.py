"""What constructs/common/variables.py packs, functions read as if it were not."""

import json
from typing import Any

import aws_cdk as cdk
import pytest

from constructs.common.variables import LARGEST, fitting
from shared.variable import document

LONG = {f"key-{number}": number for number in range(400)}


@pytest.mark.parametrize("told", [{"a": 1}, [1], LONG, [LONG, LONG], LONG | {"key": "of a key"}])
def test_a_document_is_the_same_packed_or_not_and_fits(told: Any) -> None:
    text = cdk.Fn.ref("Key") if isinstance(told, dict) and "key" in told else ""
    given = told | {"key": text} if text else told
    found = fitting({"TOLD": json.dumps(given), "X": "y"})
    assert document(found, "TOLD") == given
    assert len(found["TOLD"]) < LARGEST
    assert text in found["TOLD"], "a reference stays one"
