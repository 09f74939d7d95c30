"""What a change does to data, access, alarms and money, as Markdown: ``make impact``.

usage: python -m tools.impact ENVIRONMENT BASE [CHANGE]

BASE is a git revision, or ``deployed`` for what AWS runs. CHANGE is a folder with the files of a
change and its assembly in cdk.out, of which nothing is executed; without it the checkout is
synthesised. Exit status: 0 nothing asks, 1 something does, 2 the question could not be answered,
with the reason.
"""

import sys
import tempfile
from collections.abc import Set
from pathlib import Path

from environments import load
from environments.schema import EXAMPLE_ACCOUNT
from tools.assembly import Stack, read
from tools.command import ended, session
from tools.context import ROOT
from tools.impact import revisions
from tools.impact.acknowledged import FILE, Acknowledgement, parse
from tools.impact.report import markdown
from tools.impact.templates import ImpactError
from tools.impact.verdict import judge

UNANSWERED = 2
DEPLOYED = "deployed"


def main(arguments: list[str]) -> int:
    """Print the report and return the exit status."""
    if len(arguments) not in (2, 3) or not all(arguments):
        print(
            "impact: name an environment and what to compare with, for example "
            "make impact ENV=production BASE=main, or BASE=deployed.",
            file=sys.stderr,
        )
        return UNANSWERED
    return ended(
        lambda: _show(*arguments),
        failed="impact: what is deployed could not be read",
        interrupted="impact: nothing is known. It changes nothing: run it again.",
        stopped=UNANSWERED,
    )


def _show(environment: str, base: str, change: str | None = None) -> int:
    report, passes = impact(environment, base, Path(change) if change else None)
    print(report, end="")
    return int(not passes)


def impact(
    environment: str, base: str, change: Path | None = None, root: Path = ROOT
) -> tuple[str, bool]:
    """The report on a change, and whether it passes. Raises ImpactError and SettingsError."""
    # What is wrong with the base is said before anything is synthesised.
    commit = "" if base == DEPLOYED else revisions.commit_of(base, root)
    client = None if commit else session(load.load(environment)).client
    places = {change or root, root, load.FOLDER.parent}
    names = {file.stem for one in places for file in one.glob("environments/*.toml")}
    acknowledged = (change or root) / FILE
    entries = parse(acknowledged.read_text() if acknowledged.exists() else "")
    if unknown := [one.environment for one in entries if one.environment not in names]:
        raise ImpactError(
            f"{FILE}: environment: there is none called {unknown[0]!r}. Those with a file are: "
            f"{', '.join(sorted(names))}."
        )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out"
        head = change / "cdk.out" if change else _here(environment, commit, root, output)
        after = _of(environment, head, names if change else frozenset())
        spent: list[Acknowledgement] | None = None
        if client:
            label, before = DEPLOYED, revisions.deployed(load.load(environment), client)
        else:
            label, before = _base(environment, base, commit, after, root)
            spent = parse(revisions.file_at(commit, FILE, root))
        sides = (label, before), (revisions.label_of(change or root), after)
        found = judge(environment, *sides, entries, spent)
        changed = {one.address.stack for one in found.questions}
        changed |= {place.stack for place, _, _ in found.harmless}
        diffs = revisions.cdk_diff(before, head, sorted(changed & after.keys())) if head else {}
    return markdown(found, diffs), found.passes


def _here(environment: str, commit: str, root: Path, output: Path) -> Path | None:
    """The assembly of the checkout; None for an environment that it removes."""
    file = f"{environment}.toml"
    gone = not (load.FOLDER / file).exists()
    if gone and commit and revisions.file_at(commit, f"environments/{file}"):
        return None
    load.load(environment)
    return revisions.synthesised(root, environment, Path(sys.executable), output)


def _of(
    environment: str, assembly: Path | None, others: Set[str] = frozenset()
) -> dict[str, Stack]:
    """An environment's stacks; of an assembly of all environments also what belongs to none."""
    if assembly is None:
        return {}
    if not (assembly / "manifest.json").exists():
        raise ImpactError(f"impact: {assembly} is no assembly. Run make synth in the change.")
    return {
        name: stack
        for name, stack in read(assembly).items()
        if f"-{environment}-" in name or not any(f"-{other}-" in name for other in others)
    }


def _base(
    environment: str, base: str, commit: str, after: dict[str, Stack], root: Path
) -> tuple[str, dict[str, Stack]]:
    label = commit[:9] if commit.startswith(base) else f"{base} ({commit[:9]})"
    stacks = _of(environment, revisions.assembly_at(commit, environment, root))
    in_example, ours = (
        [EXAMPLE_ACCOUNT in str(stack.artifact["environment"]) for stack in side.values()]
        for side in (stacks, after)
    )
    if any(in_example) and ours and not any(ours):
        # The account is nobody's: what its templates say has never been deployed.
        return f"{label}, the example's account, where nothing is deployed", {}
    return label, stacks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
