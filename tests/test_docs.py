"""What people read leads somewhere, and is in plain technical English."""

import ast
import importlib.util
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session
from pytest_regressions.file_regression import FileRegressionFixture

from constructs.reviews.review_kinds import (
    CAPACITY,
    CONFIGURATION,
    METRICS,
    SECURITY_UPDATES,
    UPDATES,
)
from environments.load import load
from tests.support import MAKEFILES, ROOT, TARGETS, Stacks
from tools.preflight.__main__ import CHECKS
from tools.settings_reference import rendered

pytestmark = pytest.mark.plan("8")
_MADE = (".", "node_modules", "build", "cdk.out")  # by others, or by us from what is checked


def files(suffix: str) -> list[Path]:
    """The checkout's own files, without what is installed or built in it."""
    folders = [one for one in ROOT.iterdir() if one.is_dir() and not one.name.startswith(_MADE)]
    found = [
        *ROOT.glob(f"*{suffix}"),
        *(each for one in folders for each in one.rglob(f"*{suffix}")),
    ]
    return sorted(each for each in found if "/." not in str(each.relative_to(ROOT)))


DOCUMENTS = files(".md")
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
# What the command line adds to the services' own operations, and to each of them.
OWN_OPERATIONS = {
    *{("logs", "tail"), ("s3", "cp"), ("s3", "ls"), ("s3", "presign"), ("s3", "rb")},
    ("cloudformation", "wait"),
}
# Words that documents and messages do not use, and what they use instead.
PLAIN = {
    r"told|tells of": "notified, says",
    r"spoke|speaks?|is blind|hears?|heard": "an alarm fires, notifies, has no data",
    r"mend(?:s|ed|ing)?": "fix",
    r"stands|stood": "is in, is listed under",
    r"anew|for ever|besides|nobody waits": "again, permanently, also, no caller waits",
    r"(?:reaches?|notifies|pages?|told|blocks) nobody": "is lost, no receiver",
    r"(?:line|row|pool|limiter|policy|table) an? (?!day)[a-z]+": "one line per check",
    r"(?:requests|logins|keys|bytes|decisions|USD) an? (?:second|minute|hour|month)": "per second",
}
# What is meant literally, or names something.
LITERAL = ("told.json", "mended", "``besides``", "spoke")
OWN_OPTIONS = {"query", "output", "region", "profile", "cli-binary-format", "cli-input-json"}


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
    assert len(links) == 30


def test_what_only_aws_can_show_names_what_shows_it_first() -> None:
    page = (ROOT / "docs" / "reference" / "decisions.md").read_text()
    rows = re.findall(r"^\| (.+) \| (.+) \|$", page.partition("## What only AWS")[2], re.MULTILINE)
    checks = {subject for subject, _ in CHECKS}
    for line, shown in rows[1:]:
        assert set(re.findall(r"`make ([a-z-]+)", shown)) <= TARGETS, line
        if "preflight.md" in shown:
            assert set(re.findall(r"\*([^*]+)\*", shown)) <= checks, line
        assert re.search(r"`make |runbook\.md#|preflight\.md", shown), line
    assert len(rows) > 15


def test_the_settings_reference_is_current(file_regression: FileRegressionFixture) -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    file_regression.check(rendered(), fullpath=page, encoding="utf-8")


def test_every_section_has_its_four_parts() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    for section in text.split("\n## ")[1:]:
        for part in ("**Means.**", "**Look.**", "**Fix.**", "**Done when**"):
            assert part in section, section.splitlines()[0]


@each_document
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
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text(), re.MULTILINE):
            assert target in TARGETS, f"{document.name}: make {target}"


def test_every_variable_of_a_make_command_in_the_documents_is_read_by_its_recipe() -> None:
    everywhere = {"ENV", "SKIP_PREFLIGHT"}  # of CDK's context; read by tools/preflight
    for document in DOCUMENTS:
        for target, given in re.findall(r"make ([a-z-]+)((?: [A-Z_]+=\S*)+)", document.read_text()):
            recipe = re.search(rf"^{target}:.*?(?=\n\n|\Z)", MAKEFILES, re.MULTILINE | re.DOTALL)
            for name in set(re.findall(r"([A-Z_]+)=", given)) - everywhere:
                assert recipe, f"{document.name}: make {target}"
                assert name in recipe[0], f"{document.name}: make {target} {name}="


@each_document
def test_every_module_that_a_document_has_run_is_there(document: Path) -> None:
    for module in re.findall(r"python -m ([\w.]+)", document.read_text()):
        assert importlib.util.find_spec(module), f"{document.name}: python -m {module}"


@each_document
def test_every_aws_command_has_an_operation_and_options_that_exist(document: Path) -> None:
    """Of each document; those that people work by are also run, in tests/rehearsal/documents."""
    session = Session()
    whole = re.sub(r"\\\n +", "", document.read_text())
    blocks = re.findall(r"^```\w*\n.*?^```", whole, re.DOTALL | re.MULTILINE)
    sentences = re.sub(r"^```\w*\n.*?^```", "", whole, flags=re.DOTALL | re.MULTILINE)
    inline = [" ".join(part.split()) for part in re.findall(r"`[^`]+`", sentences)]
    text = "\n".join((*blocks, *inline))
    for service, operation, rest in re.findall(
        r"(?<![\w/-])aws ([a-z0-9-]+) ([a-z0-9-]+)((?:(?!\baws [a-z0-9]+ [a-z]).)*)", text
    ):
        if (service, operation) in OWN_OPERATIONS:
            continue
        model = session.get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in operations, f"{document.name}: aws {service} {operation}"
        shape = model.operation_model(operations[operation]).input_shape
        known = {xform_name(name, "-") for name in (shape.members if shape else ())}
        for option in re.findall(r"(?<=\s)--([a-z][a-z0-9-]*)", rest.partition(" | ")[0]):
            taken = known | OWN_OPTIONS | {f"no-{name}" for name in known}
            assert option in taken, f"{document.name}: aws {service} {operation} --{option}"


@cache
def texts(file: Path) -> str:
    """What people read of a file; of a module its strings and comments."""
    text = file.read_text()
    if file.suffix != ".py":
        return text
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    strings = [node.value for node in nodes if isinstance(node.value, str)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(strings + [one.string for one in tokens if one.type == tokenize.COMMENT])


@pytest.mark.parametrize(("words", "instead"), PLAIN.items(), ids=PLAIN.values())
def test_documents_and_messages_use_plain_words(words: str, instead: str) -> None:
    read = [file for file in DOCUMENTS if file.name != "CHANGELOG.md"]
    read += [ROOT / "Makefile", *ROOT.glob("*/*.mk"), *ROOT.glob("tests/plan/*/*.toml")]
    read += [file for file in files(".py") if file != Path(__file__)]
    assert len(read) > 600
    plain = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for file in filter(lambda one: plain.search(texts(one)), read):  # a line's search is slow
        for found in re.finditer(rf".*\b(?:{words})\b.*", texts(file), re.IGNORECASE):
            assert any(one in found[0] for one in LITERAL), f"{file}: {found[0]!r}: {instead}"


def test_the_calendar_says_when_production_does_things_by_itself() -> None:
    text = (ROOT / "docs" / "operate" / "operations.md").read_text()
    settings = load("production")
    redis, rotation = settings.redis, settings.rotation
    backup = redis.snapshot_window.text.replace("-", "–")
    assert f"daily, {backup} | the backup, kept {redis.snapshot_retention_days} days" in text
    assert redis.maintenance_window.text == "sun:03:00-sun:05:00"
    assert "weekly, Sunday 03:00–05:00 | maintenance" in text
    for kind, said in ((SECURITY_UPDATES, "daily, 08:00"), (METRICS, "weekly, Monday 08:00")):
        assert kind.schedule.startswith("cron(0 8 ")
        assert f"| {said} |" in text
    assert CAPACITY.schedule == UPDATES.schedule == "cron(0 8 1 * ? *)"
    assert CONFIGURATION.schedule == METRICS.schedule == "cron(0 8 ? * MON *)"
    assert "| monthly, the 1st 08:00 |" in text
    assert f"first Monday {settings.recovery.hour:02}:00 | the recovery test" in text
    assert f"the {rotation.day_of_month}th {rotation.start_hour}:00 | the rotation" in text
    assert rotation.retire_after_hours == 24
    assert f"every {rotation.reconcile_minutes} minutes | an interrupted rotation" in text
