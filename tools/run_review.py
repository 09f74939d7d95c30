"""Runs one review of an environment by hand and shows what it found: ``make run-review``.

usage: python -m tools.run_review ENVIRONMENT REVIEW

Its page and its message are those of the schedule. Exit status 1 when it could not be made.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.config import Config

from constructs.reviews.review_kinds import REVIEWS
from environments.load import load
from tools.command import ended, session
from tools.invocation import invoke

# As long as a review may take; a second one would only wait behind the first.
PATIENT = Config(connect_timeout=5, read_timeout=620, retries={"total_max_attempts": 1})


def main(arguments: list[str]) -> int:
    """0 if it was made, 1 with the reason if not, 2 if the command names no review."""
    names = [kind.name for kind in REVIEWS]
    if len(arguments) != 2 or arguments[1] not in names:
        print(
            "review: name an environment and a review, for example\n"
            f"  make run-review ENV=staging REVIEW={names[0]}\n"
            f"There are: {', '.join(names)}",
            file=sys.stderr,
        )
        return 2
    return ended(
        lambda: _show(*arguments),
        failed="review: AWS did not run the review",
        interrupted="review: what was started continues; the channel gets its message.",
    )


def _show(environment: str, review: str) -> int:
    settings = load(environment)
    client = session(settings).client("lambda", config=PATIENT)
    function = f"{settings.prefix}-review-{review}"
    found = invoke(client, function, command="review", answers_with="title")
    print("\n".join(shown(found)))
    return 0


def shown(found: Mapping[str, Any]) -> Iterator[str]:
    """The message as the channel has it, and where the whole report is."""
    yield found["title"]
    yield from (f"  {line}" for line in found["lines"])
    yield f"Report: {found['report']}" if found["report"] else "Nothing to report, so no message."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
