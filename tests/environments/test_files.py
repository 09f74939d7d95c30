"""Any file at all becomes Settings or one line for each mistake, and never a traceback.

``make search`` tries more of them, and synthesises what is accepted (tests/stacks/test_search.py).
"""

import copy
import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.environments.messages import FILE, said
from tests.support import Document
from tests.variants import OWN_VPC, REAL, changed

AWKWARD = [
    *(True, False, 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 2**63, 10**400, 0.5, -0.0, 1e308),
    *(float("inf"), float("nan"), "", " ", "x" * 5000, "١", "‮", "\0", "é", "*", "a\nb: c"),
    *("${AWS::Region}", "{{resolve:ssm:x}}", "😀", "$ref", "a.b", "existing", "own", "default"),
    *([], [1], ["a", "a"], [["x"]], [{}], {}, {"": ""}, {"a": {"b": 1}}, {"kind": "own"}),
    *(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.date(2026, 1, 1)),
]
NAMES = ["zz", "", "ü", "a.b", "a\nb", "existing", "own", "name", "key", "vpc", "x" * 3000]
BROKEN = [
    (b"a=" + b"[" * 100_000, "nested"),
    (b"a=" + b"9" * 5000, "digits"),
    (b"[environment]\nname = production\n", "line 2, key name: is not TOML"),
    (b"[environment]\nname = 'a'\nname = 'b'\n", "line 3, key name: is not TOML"),
    (b"[redis]\nreplicas 2\n", "line 2: is not TOML"),
    (b"[redis]\n[redis]\n", "line 2: is not TOML"),
    (b"pagerduty_secret_name = 0123456789abcdef\n", "line 1, key pagerduty_secret_name"),
    (b"[environment", "line 1: is not TOML"),
    (b"\x00", "line 1: is not TOML"),
    (b"\xff\xfe", "is not UTF-8 text"),
    *((blank, "is empty") for blank in (b"", b" \n", b"\xef\xbb\xbf")),
]


def tables(document: Document) -> Iterator[Document]:
    """The document and every table in it."""
    yield document
    for value in document.values():
        if isinstance(value, dict):
            yield from tables(value)


@st.composite
def broken(draw: st.DrawFn, documents: list[Document]) -> Document:
    """A document with some keys gone, added, or of any value."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(list(tables(document))))
        key = draw(st.sampled_from(sorted(table) + NAMES))
        if draw(st.booleans()) and key in table:
            del table[key]
        else:
            table[key] = copy.deepcopy(draw(st.sampled_from(AWKWARD) | st.text(max_size=30)))
    return document


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_document_is_accepted_or_answered_line_by_line(
    production_document: Document, tmp_path: Path, data: st.DataObject
) -> None:
    delivery = {"repository": "a@1/b@2", "approval": True, "own_identity_provider": True}
    bases = [
        changed(production_document, change)
        for change in ({}, OWN_VPC, REAL, {"delivery": delivery})
    ]
    document = data.draw(broken(bases))
    try:
        content = tomli_w.dumps(document).encode()
    except (UnicodeEncodeError, ValueError):
        return  # no file can hold it
    for line in said(tmp_path, content).splitlines():
        assert re.match(rf"{FILE}: [^:]*: .", line), line
        assert line.isprintable()
        assert len(line) < 1500
        assert "The keys here are: ." not in line


@pytest.mark.parametrize(("content", "words"), BROKEN)
def test_what_is_no_toml_is_told_with_line_and_key_and_without_its_value(
    tmp_path: Path, content: bytes, words: str
) -> None:
    found = said(tmp_path, content)
    assert found.startswith(f"{FILE}: {words}") or words in found.splitlines()[0]
    assert "0123456789abcdef" not in found
