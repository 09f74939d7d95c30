"""The function's entry: turns an event into a call and nothing more.

Two kinds of event come to one function with a concurrency of one, so that AWS itself never lets a
step and the reconciler run at the same time.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from rotation import steps
from rotation.convergence import Tools
from rotation.reconciler import reconcile
from shared.boto_config import client, no_debugging
from shared.errors import StoppedError, WrongVersionError
from shared.group import Group
from shared.login import try_tokens
from shared.secret import Secret
from shared.user import User

STEPS: dict[str, Callable[[Tools, str], None]] = {
    "createSecret": steps.create_secret,
    "setSecret": steps.set_secret,
    "testSecret": steps.test_secret,
    "finishSecret": steps.finish_secret,
}


def handler(event: dict[str, Any], _context: object) -> None:
    """Run one step for Secrets Manager, or ``{"reconcile": true}`` for our schedule.

    Only a step raises, a StoppedError: whatever else ends it is known by the name of its type.
    """
    no_debugging()
    tools = tools_once()
    if event.get("reconcile") is True:
        print(reconcile(tools).line(tools.group.group_id))
        return
    if event["SecretId"] != tools.secret.arn:
        raise WrongVersionError("this function rotates another secret")
    try:
        STEPS[event["Step"]](tools, event["ClientRequestToken"])
    except StoppedError:
        raise
    except Exception as unknown:  # noqa: BLE001 - Lambda would log its message
        problem = StoppedError(type(unknown).__name__)
    else:
        return
    # Outside of the handlers, so that not even __context__ leads to its message.
    raise problem


@cache
def tools_once() -> Tools:
    """What this container works with, from names and times in its environment.

    Raises ValueError if clients might still cache the old token when it is retired.
    """
    retire_after = timedelta(seconds=int(os.environ["RETIRE_AFTER_SECONDS"]))
    client_cache = timedelta(seconds=int(os.environ["CLIENT_CACHE_SECONDS"]))
    if retire_after <= client_cache:
        raise ValueError(
            f"RETIRE_AFTER_SECONDS ({retire_after}) is not above CLIENT_CACHE_SECONDS "
            f"({client_cache}): clients would be locked out"
        )
    return Tools(
        secret=Secret(client("secretsmanager"), os.environ["SECRET_ARN"]),
        user=User(client("elasticache"), os.environ["USER_ID"]),
        group=Group(client("elasticache"), os.environ["REPLICATION_GROUP_ID"]),
        try_tokens=try_tokens,
        clock=lambda: datetime.now(UTC),
        retire_after=retire_after,
        most_refused=int(os.environ["MOST_REFUSED_LOGINS"]),
    )
