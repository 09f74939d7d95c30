"""Invokes the health check of an environment and shows its document as a table: ``make health``.

usage: python -m tools.health ENVIRONMENT

Exit status 1 when a check failed or could not be made; ``make deploy`` ends with it.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from constructs.common.idle_functions import ASK_AGAIN_SECONDS, LONGER, NOT_READY, TIMES
from environments.schema import Settings
from tools.command import Answer, for_environment, session

# One invocation runs at a time: while the schedule's does, AWS answers that there are too many.
PATIENT = Config(
    connect_timeout=5, read_timeout=100, retries={"mode": "standard", "max_attempts": 8}
)


def invoke(
    client: Any,
    function: str,
    *,
    command: str,
    answers_with: str,
    event: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """What a function of ours returns, invoked by hand: an object with the key ``answers_with``.

    Raises Answer if there is no such function, it runs already, it broke off, or Lambda does not
    bring it back in ten minutes; and what else boto3 raises.
    """
    for wait in (*(ASK_AGAIN_SECONDS * LONGER**number for number in range(TIMES)), None):
        try:
            answer = client.invoke(FunctionName=function, Payload=json.dumps(event or {}).encode())
            break
        except client.exceptions.ResourceNotFoundException:
            raise Answer(
                f"{command}: there is no function {function}. Deploy the environment first."
            ) from None
        except client.exceptions.TooManyRequestsException:
            raise Answer(
                f"{command}: {function} is running already. Run this again when it has ended."
            ) from None
        except ClientError as failure:
            code = failure.response["Error"]["Code"]
            if code not in NOT_READY:
                raise
            if wait is None:
                raise Answer(
                    f"{command}: Lambda does not make {function} ready: {code}. Its state says why:"
                    f" aws lambda get-function-configuration --function-name {function}"
                ) from None
        print(f"{command}: {function} wakes up ({code}): it is called again", file=sys.stderr)
        time.sleep(wait)
    found = json.load(answer["Payload"])
    if "FunctionError" in answer or not isinstance(found, dict) or not found.get(answers_with):
        why = found.get("errorMessage", "no reason given") if isinstance(found, dict) else ""
        raise Answer(
            f"{command}: {function} broke off: {why}\nRead its log: "
            f"aws logs tail /aws/lambda/{function} --since 10m"
        )
    return found


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
