"""What a change does to data, access, alarms and money, as Markdown: ``make impact``.

usage: python -m tools.impact ENVIRONMENT BASE [CHANGE]

BASE is a git revision, or ``deployed`` for what AWS runs. CHANGE is a folder with a change's files
and its assembly in cdk.out, of which nothing is executed; without it the checkout is synthesised.
Exit status: 0 nothing asks, 1 something does, 2 the question could not be answered, and why.
"""

import tempfile
from collections.abc import Set
from pathlib import Path

from environments import load
from environments.schema import EXAMPLE_ACCOUNT
from tools.assembly import Stack, read, text_of
from tools.command import command, session
from tools.context import ROOT, synthesised
from tools.impact import revisions
from tools.impact.acknowledged import FILE, parse
from tools.impact.report import markdown
from tools.impact.verdict import judge

UNANSWERED = 2
DEPLOYED = "deployed"


def _show(environment: str, base: str, *change: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        report, passes = impact(environment, base, Path(scratch), *map(Path, change))
    print(report, end="")
    return int(not passes)


def impact(
    environment: str, base: str, scratch: Path, change: Path | None = None
) -> tuple[str, bool]:
    """The report on a change, and whether it passes. Raises Answer and SettingsError."""
    # What is wrong with the base is said before anything is synthesised.
    commit = "" if base == DEPLOYED else revisions.commit_of(base)
    client = None if commit else session(load.load(environment)).client
    file = (change or ROOT) / FILE
    entries = parse(text_of(file, "Save it as UTF-8.") if file.exists() else "")
    head = change / "cdk.out" if change else _here(environment, commit, scratch / "out")
    places = [change, ROOT] if change else []
    others = {file.stem for one in places for file in one.glob("environments/*.toml")}
    after = _of(environment, head, others)
    if client:
        label, before, spent = DEPLOYED, revisions.deployed(load.load(environment), client), None
    else:
        label = commit[:9] if commit.startswith(base) else f"{base} ({commit[:9]})"
        before = _of(environment, revisions.assembly_at(commit, environment, scratch), set())
        spent = parse(revisions.file_at(commit, FILE))
        was, becomes = (
            EXAMPLE_ACCOUNT in "".join(str(one.artifact["environment"]) for one in side.values())
            for side in (before, after)
        )
        if after and was and not becomes:
            # The account belongs to no user: its templates have never been deployed.
            label, before = f"{label}, the example's account, where nothing is deployed", {}
    sides = (label, before), (revisions.label_of(change or ROOT), after)
    found = judge(environment, *sides, entries, spent)
    changed = {one.address.stack for one in found.questions}
    changed |= {place.stack for place, _, _ in found.harmless}
    diffs = revisions.cdk_diff(before, head, sorted(changed & after.keys())) if head else {}
    return markdown(found, diffs), found.passes


def _here(environment: str, commit: str, output: Path) -> Path | None:
    file = f"{environment}.toml"
    gone = not (load.FOLDER / file).exists()
    if gone and commit and revisions.file_at(commit, f"environments/{file}"):
        return None  # the checkout removes it
    load.load(environment)
    return synthesised(ROOT, environment, output)


def _of(environment: str, assembly: Path | None, others: Set[str]) -> dict[str, Stack]:
    """An environment's stacks; of an assembly of all environments also what belongs to none."""
    return {
        name: stack
        for name, stack in (read(assembly) if assembly else {}).items()
        if f"-{environment}-" in name or not any(f"-{other}-" in name for other in others)
    }


main = command(
    "impact",
    _show,
    takes=lambda given: len(given) in (2, 3) and all(given),
    usage="name an environment and what to compare with, for example make impact ENV=production "
    "BASE=main, or BASE=deployed.",
    interrupted="nothing is known. It changes nothing: run it again.",
    stopped=UNANSWERED,
)
