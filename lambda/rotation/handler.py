"""The function's entry: turns an event into a call and nothing more.

Two kinds of event come to one function with a concurrency of one, so that AWS itself never lets a
step and the reconciler run at the same time.
"""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from rotation import steps
from rotation.reconciler import reconcile
from rotation.settings import Settings
from rotation.tools import Tools
from shared.errors import WrongVersionError
from shared.group import Group
from shared.login import log_in
from shared.quiet import CALLS, no_debugging
from shared.secret import Secret

STEPS = {
    "createSecret": steps.create_secret,
    "setSecret": steps.set_secret,
    "testSecret": steps.test_secret,
    "finishSecret": steps.finish_secret,
}


def handler(event: dict[str, Any], _context: object) -> None:
    """Run one step for Secrets Manager, or ``{"reconcile": true}`` for our schedule."""
    no_debugging()
    settings, tools = made_once()
    if event.get("reconcile") is True:
        state = reconcile(tools, settings.retire_after)
        print(state.line(settings.group_id))
        return
    if event["SecretId"] != settings.secret_arn:
        raise WrongVersionError("this function rotates another secret")
    STEPS[event["Step"]](tools, event["ClientRequestToken"])


@cache
def made_once() -> tuple[Settings, Tools]:
    """The settings and the clients of this container."""
    settings = Settings.read(os.environ)
    return settings, Tools(
        secret=Secret(boto3.client("secretsmanager", config=CALLS), settings.secret_arn),
        group=Group(boto3.client("elasticache", config=CALLS), settings.group_id),
        log_in=log_in,
        clock=lambda: datetime.now(UTC),
    )
