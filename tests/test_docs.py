"""What people read at night leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT, Stacks

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])


def sections(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alarm_links_to_a_section_of_the_runbook(templates: Stacks) -> None:
    there = sections(ROOT / "docs" / "runbook.md")
    links = {
        alarm["AlarmDescription"].rsplit("#", 1)[-1]
        for stack in templates.values()
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
    }
    assert links <= there, links - there
    assert len(links) == 28


def test_every_section_says_what_when_and_how_it_ends() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    for section in text.split("\n## ")[1:]:
        for part in ("**Means.**", "**First.**", "**Mend.**", "**Over.**"):
            assert part in section, section.splitlines()[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_checkout_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), f"{document.name}: {target}"
        if anchor:
            assert anchor in sections(file), f"{document.name}: {target}"


def test_every_make_command_in_the_documents_exists() -> None:
    makefiles = [ROOT / "Makefile", *ROOT.glob("*/*.mk")]
    targets = {
        target
        for file in makefiles
        for target in re.findall(r"^([a-z-]+):", file.read_text(), re.MULTILINE)
    }
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text()):
            assert target in targets, f"{document.name}: make {target}"
