"""Runs one review of an environment by hand and shows what it found: ``make run-review``.

usage: python -m tools.run_review ENVIRONMENT REVIEW

Its page and its message are those of the schedule. Exit status 1 when it could not be made.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.config import Config

from constructs.reviews.review_kinds import REVIEWS
from environments.load import load
from tools.command import command, session
from tools.health import invoke

# As long as a review may take; a second one would only wait behind the first.
PATIENT = Config(connect_timeout=5, read_timeout=620, retries={"total_max_attempts": 1})


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


_NAMES = [kind.name for kind in REVIEWS]
main = command(
    "review",
    _show,
    takes=lambda given: len(given) == 2 and given[1] in _NAMES,
    usage="name an environment and a review, for example\n"
    f"  make run-review ENV=staging REVIEW={_NAMES[0]}\nThere are: {', '.join(_NAMES)}",
    interrupted="what was started continues; the channel gets its message.",
)
