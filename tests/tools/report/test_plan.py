"""docs/reference/plan.md and the marked tests hold each other."""

from pathlib import Path

import pytest

from tests.support import ROOT
from tools.command import Answer
from tools.report.plan import Line, Marked, function, lines, marked

LINES = lines((ROOT / "docs" / "reference" / "plan.md").read_text())


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.section} {line.asked}")
def test_each_line_has_a_test_and_those_that_it_names_carry_its_section(
    line: Line, proofs: Marked
) -> None:
    tests = line.tests(proofs)
    assert tests, f"no test proves §{line.section} {line.asked!r}"
    assert set(line.named) <= {function(test) for test in tests}


def test_each_marked_section_has_a_line(proofs: Marked) -> None:
    there = {line.section for line in LINES}
    for test, sections in proofs.items():
        assert set(sections) <= there, (
            f"docs/reference/plan.md has no line for {sections} of {test}"
        )


def test_each_test_of_a_section_proves_one_of_its_lines_or_the_section_as_a_whole(
    proofs: Marked,
) -> None:
    # Of a section with several lines some tests belong to none of them; its lines must still name
    # tests of their own, or each would claim all.
    for section in {line.section for line in LINES}:
        of_it = [line for line in LINES if line.section == section and not line.open]
        if len(of_it) > 1:
            assert all(line.named for line in of_it if line.tests(proofs)), section


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| 2.1 | asked | deployed | where |", "§2.1 that begins with 'asked' has 4 cells.*five"),
        (
            "| 2.1 | asked | deployed | where | surely |",
            "proven by 'surely'. Write the names of tests",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_remedy(row: str, said: str) -> None:
    with pytest.raises(Answer, match=said):
        lines(f"{row}\n")


def test_an_open_line_is_proven_by_nothing_even_when_its_section_has_tests() -> None:
    (line,) = lines("| 2.1 | a | b | c | not yet |")
    assert line.tests({"tests/a.py::test_x": ["2.1"]}) == []


def test_a_line_that_names_no_test_is_proven_by_all_of_its_section_alone() -> None:
    (line,) = lines("| 2.1 | a | b | c | |")
    tests = {"tests/a.py::test_x[1]": ["2.1", "3.1"], "tests/a.py::test_y": ["2.10"]}
    assert line.tests(tests) == ["tests/a.py::test_x[1]"]


def test_tests_that_cannot_be_collected_are_reported_as_pytest_does(
    tmp_path: Path,
) -> None:
    for name in ("tools", "environments"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = broken\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "test_broken.py").write_text("import no_such_module")
    with pytest.raises(Answer, match="No module named 'no_such_module'"):
        marked(tmp_path)
