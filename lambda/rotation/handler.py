"""The function's entry: turns an event into a call and nothing more.

Two kinds of event come to one function with a concurrency of one, so that AWS itself never lets a
step and the reconciler run at the same time.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from rotation import steps
from rotation.reconciler import reconcile
from rotation.settings import Settings
from rotation.tools import Tools
from shared.errors import StoppedError, UnknownError, WrongVersionError
from shared.group import Group
from shared.login import try_tokens
from shared.quiet import CALLS, no_debugging
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
    settings, tools = made_once()
    if event.get("reconcile") is True:
        print(reconcile(tools).line(settings.group_id))
        return
    if event["SecretId"] != settings.secret_arn:
        raise WrongVersionError("this function rotates another secret")
    try:
        STEPS[event["Step"]](tools, event["ClientRequestToken"])
    except StoppedError:
        raise
    except Exception as unknown:  # noqa: BLE001 - Lambda would log its message
        problem = UnknownError(type(unknown).__name__)
    else:
        return
    # Outside of the handlers, so that not even __context__ leads to its message.
    raise problem


@cache
def made_once() -> tuple[Settings, Tools]:
    """The settings and the clients of this container."""
    settings = Settings.read(os.environ)
    elasticache = boto3.client("elasticache", config=CALLS)
    return settings, Tools(
        secret=Secret(boto3.client("secretsmanager", config=CALLS), settings.secret_arn),
        user=User(elasticache, settings.user_id),
        group=Group(elasticache, settings.group_id),
        try_tokens=try_tokens,
        clock=lambda: datetime.now(UTC),
        retire_after=settings.retire_after,
        most_refused=settings.most_refused,
    )
