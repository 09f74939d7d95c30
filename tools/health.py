"""Invokes the health check of an environment and shows its document as a table: ``make health``.

usage: python -m tools.health ENVIRONMENT

Exit status 1 when a check failed or could not be made; ``make deploy`` ends with it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.config import Config

from environments.schema import Settings
from tools.command import for_environment, session
from tools.invocation import invoke

# One invocation runs at a time: while the schedule's does, AWS answers that there are too many.
PATIENT = Config(
    connect_timeout=5, read_timeout=100, retries={"mode": "standard", "max_attempts": 8}
)


def _show(settings: Settings) -> int:
    client = session(settings).client("lambda", config=PATIENT)
    function = f"{settings.prefix}-health"
    document = invoke(client, function, command="health", answers_with="checks")
    print("\n".join(table(document)))
    return 0 if document["passed"] else 1


def table(document: Mapping[str, Any]) -> Iterator[str]:
    """One line per check, and below a failed one what was wanted and what to do."""
    checks = document["checks"]
    width = max(len(check["name"]) for check in checks)
    for check in checks:
        sign = "✓" if check["passed"] else "✗"
        yield f"  {sign} {check['name']:<{width}}  {check['found']}"
        if not check["passed"]:
            yield f"    {'':<{width}}  wanted: {check['wanted']}"
            yield f"    {'':<{width}}  to do:  {check['todo']}"
    failed = sum(not check["passed"] for check in checks)
    outcome = (
        f"{failed} of {len(checks)} checks failed" if failed else f"{len(checks)} checks passed"
    )
    yield f"\n{document['group']} at {document['time']}: {outcome}"


main = for_environment(
    "health", _show, interrupted="nothing is known. The check changes nothing: run it again."
)
