"""What the document tells to write is what was deployed, and its tables are what they would be."""

import pytest

from benchmarks.capacity.document import rendered
from environments import scaling
from tests.support import ROOT

DOCUMENT = (ROOT / "docs" / "operate" / "scaling.md").read_text()


@pytest.mark.plan("1")
@pytest.mark.parametrize("line", scaling.WORDS)
def test_every_line_in_the_document_was_deployed_word_for_word(line: str) -> None:
    assert f"`{line}`" in DOCUMENT


@pytest.mark.slow
@pytest.mark.plan("5.1", "5.3")
def test_the_documents_tables_follow_from_the_figures_and_what_was_written_by_hand_is_found() -> (
    None
):
    changed = DOCUMENT.replace("cache.t3.medium |", "cache.t3.medium  |", 1)
    assert rendered(changed) == DOCUMENT != changed
