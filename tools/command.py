"""How a command that asks AWS begins and ends: in the right account, and with one message."""

import sys
from collections.abc import Callable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from environments.load import SettingsError
from environments.schema import Settings


class Answer(Exception):  # noqa: N818 - an answer, not a fault
    """Why a command stops, and what to do instead, in the words that the terminal shows."""


def ended(work: Callable[[], int], *, failed: str, interrupted: str) -> int:
    """The exit status of ``work``: what it returns, 1 with the reason, 130 after Ctrl-C.

    ``failed`` stands before what boto3 says; ``interrupted`` tells what goes on without us.
    """
    try:
        return work()
    except (SettingsError, Answer) as reason:
        print(reason, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as failure:
        print(f"{failed}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130


def session(settings: Settings) -> boto3.Session:
    """Of the environment's region. Raises Answer where the credentials are of another account.

    There nothing of the environment is found, which reads like "not deployed yet", and a check that
    finds no rotation to wait for lets a deployment through.
    """
    made = boto3.Session(region_name=settings.environment.region)
    asked = made.client("sts").get_caller_identity()["Account"]
    account, name = settings.environment.account, settings.environment.name
    if asked != account:
        raise Answer(
            f"The credentials are for account {asked}, and {name} is in {account}. Nothing of it "
            f"would be found there: use credentials for {account}, or correct "
            f"environment.account in environments/{name}.toml."
        )
    return made
