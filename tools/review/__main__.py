"""What a change does to data, money and security, as Markdown: ``make review``.

usage: python -m tools.review ENVIRONMENT BASE

BASE is a git revision, or ``deployed`` for what AWS runs. Exit status: 0 nothing to stop,
1 refused, 2 the question could not be answered, with the reason.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import boto3

from environments.load import SettingsError, environment_names, load
from environments.schema import EXAMPLE_ACCOUNT, Settings
from tools.assembly import Stack
from tools.context import ROOT
from tools.review import deployed, revisions
from tools.review.acknowledged import FILE, Acknowledgement, parse
from tools.review.errors import ReviewError
from tools.review.markdown import markdown
from tools.review.verdict import Review, judge

PASSES, REFUSED, UNANSWERED = 0, 1, 2
DEPLOYED = "deployed"


def main(arguments: list[str]) -> int:
    """Print the review and return the exit status."""
    if len(arguments) != 2 or not all(arguments):
        print(
            "review: name an environment and what to compare with, for example "
            "make review ENV=production BASE=main, or BASE=deployed.",
            file=sys.stderr,
        )
        return UNANSWERED
    try:
        environment, base = arguments
        review = reviewed(environment, base)
    except (ReviewError, SettingsError) as reason:
        print(reason, file=sys.stderr)
        return UNANSWERED
    print(markdown(review), end="")
    return PASSES if review.passes else REFUSED


def reviewed(environment: str, base: str, root: Path = ROOT) -> Review:
    """Compare the checkout with a revision or with what is deployed. Raises ReviewError."""
    settings = load(environment)
    entries = _entries(root)
    if base != DEPLOYED:
        revisions.commit_of(base, root)  # told before anything is synthesised
    with ThreadPoolExecutor() as pool:
        here = pool.submit(revisions.stacks_here, environment, root)
        label, before, spent = _base(settings, base, root)
        after = here.result()
    return judge(
        environment, (label, before), (revisions.label_of_head(root), after), entries, spent
    )


def _base(
    settings: Settings, base: str, root: Path
) -> tuple[str, Mapping[str, Stack], list[Acknowledgement] | None]:
    if base == DEPLOYED:
        client = partial(boto3.client, region_name=settings.environment.region)
        return DEPLOYED, deployed.deployed(settings, client), None
    commit = revisions.commit_of(base, root)
    label = commit[:9] if commit.startswith(base) else f"{base} ({commit[:9]})"
    stacks = revisions.stacks_at(commit, settings.environment.name, root)
    example = f"aws://{EXAMPLE_ACCOUNT}/"
    if settings.environment.account != EXAMPLE_ACCOUNT and any(
        stack.artifact["environment"].startswith(example) for stack in stacks.values()
    ):
        # The account is nobody's: what its templates say has never been deployed.
        label, stacks = f"{label}, the example's account, where nothing is deployed", {}
    return label, stacks, parse(revisions.file_at(commit, FILE, root))


def _entries(root: Path) -> list[Acknowledgement]:
    file = root / FILE
    entries = parse(file.read_text() if file.exists() else "")
    for entry in entries:
        if entry.environment not in environment_names():
            raise ReviewError(
                f"{FILE}: environment: there is none called {entry.environment!r}. Those with a "
                f"file are: {', '.join(environment_names())}."
            )
    return entries


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
