"""A function of ours, invoked by hand and waited for."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from constructs.common.idle_functions import ASK_AGAIN_SECONDS, LONGER, NOT_READY, TIMES
from tools.command import Answer


def invoke(
    client: Any,
    function: str,
    *,
    command: str,
    answers_with: str,
    event: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """What the function returns: an object with the key ``answers_with``.

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
