"""How a command that asks AWS begins and ends: in the right account, and with one message."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps

import boto3
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectError

from environments.fault import ROOT, reported
from environments.load import SettingsError, load
from environments.schema import Settings
from shared.errors import StoppedError
from tools.answers import MissingFieldError, watched

FAULT = ROOT / "build" / "fault.txt"
MINUTE = timedelta(minutes=1)


class Answer(Exception):  # noqa: N818 - an answer, not a fault
    """Why a command stops, and what to do instead, in the words that the terminal shows."""


def counted(count: int, noun: str) -> str:
    """``1 node``, ``3 nodes``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def ended(work: Callable[[], int], name: str, *, interrupted: str, stopped: int = 1) -> int:
    """The exit status of ``work``: what it returns, ``stopped`` with the reason, 130 after Ctrl-C.

    ``interrupted`` says what continues after Ctrl-C, and after a failure of AWS or this machine.
    An error of any other kind is one line as well, and a file for a report.
    """
    try:
        return work()
    except (SettingsError, Answer) as reason:
        print(reason, file=sys.stderr)
        return stopped
    except (KeyboardInterrupt, EOFError):  # EOFError: a question, and nothing to answer it
        print(f"\n{name}: {interrupted}", file=sys.stderr)
        return 130
    except (BotoCoreError, ClientError, StoppedError) as failure:
        cause = str(failure).rstrip(".")
    except MissingFieldError as missing:
        cause = f"{missing.args[0]}, which is read here. Report it if a second run says it again"
    except OSError as problem:  # a full disk, a program that is not there
        of = f" of {problem.filename}" if problem.filename else ""
        cause = f"this machine says{of}: {problem.strerror or type(problem).__name__}"
    except Exception as problem:  # noqa: BLE001 - whatever it is, a user gets one line
        print(reported(problem, name, FAULT), file=sys.stderr)
        return stopped
    print(f"{name}: {cause}. {interrupted[0].upper()}{interrupted[1:]}", file=sys.stderr)
    return stopped


def command(
    name: str,
    work: Callable[..., int],
    *,
    usage: str = "name one environment, for example ENV=staging",
    takes: Callable[[Sequence[str]], object] = lambda given: len(given) == 1 and given[0],
    interrupted: str,
    stopped: int = 1,
) -> Callable[[Sequence[str]], int]:
    """The main function of a command, whose messages begin with its ``name``.

    It returns what ``work`` does with the arguments, and otherwise as `ended`; 2 with ``usage`` for
    arguments that are not what it ``takes``. In ``interrupted``, {0} is the first argument. Where
    the module of ``work`` is the program (python -m), it runs at once and ends the process.
    """

    def main(arguments: Sequence[str]) -> int:
        if not takes(arguments):
            print(f"{name}: {usage}", file=sys.stderr)
            return 2
        continues = interrupted.format(*arguments)
        return ended(lambda: work(*arguments), name, interrupted=continues, stopped=stopped)

    if work.__module__ == "__main__":
        sys.exit(main(sys.argv[1:]))
    return main


def for_environment(
    name: str, work: Callable[[Settings], int], *, interrupted: str
) -> Callable[[Sequence[str]], int]:
    """As `command`, of one argument: the environment whose settings ``work`` takes."""

    @wraps(work)  # command asks for its module
    def of_settings(environment: str) -> int:
        return work(load(environment))

    return command(name, of_settings, interrupted=interrupted)


def time_left(made: boto3.Session) -> timedelta | None:
    """How long the credentials last; None where they do not end, are renewed, or do not say.

    Only temporary keys in the environment end: botocore and the CDK renew those of a profile.
    """
    found, ends = made.get_credentials(), os.environ.get("AWS_CREDENTIAL_EXPIRATION")
    if found is None or found.method != "env" or not found.token or not ends:
        return None
    return max(datetime.fromisoformat(ends) - datetime.now(UTC), timedelta())


def session(settings: Settings, longest: timedelta = timedelta()) -> boto3.Session:
    """Of the environment's region. Raises Answer where the credentials are of another account.

    Where they end before work that may take ``longest``, that is said, and it goes on: what AWS has
    begun does not need them, and a second run takes it up.

    There nothing of the environment is found, which reads like "not deployed yet", and a check that
    finds no rotation to wait for lets a deployment through.
    """
    made = watched(boto3.Session(region_name=settings.environment.region))
    try:
        left = time_left(made)
    except (RuntimeError, TypeError, ValueError) as problem:  # botocore's own, of environment keys
        raise Answer(
            f"The credentials have ended, or AWS_CREDENTIAL_EXPIRATION is no time with a zone: "
            f"{problem}. Get new ones."
        ) from None
    if left is not None and left < longest:
        print(
            f"The credentials end in {left / MINUTE:.0f} minutes, and this may take "
            f"{longest / MINUTE:.0f}. If they end first, AWS goes on: run this again with others, "
            "or use a profile, whose keys are renewed.",
            file=sys.stderr,
        )
    account, name = settings.environment.account, settings.environment.name
    try:
        asked = made.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as failure:
        then = f"with credentials for account {account}, for example those of AWS_PROFILE"
        if isinstance(failure, (ConnectError, HTTPClientError)):
            then = "when this machine reaches that address"
        raise Answer(
            f"{str(failure).rstrip('.')}. Nothing of {name} was read or changed. Run this again "
            f"{then}."
        ) from None
    if asked != account:
        raise Answer(
            f"The credentials are for account {asked}, and {name} is in {account}. Nothing of it "
            f"would be found there: use credentials for {account}, or correct "
            f"environment.account in environments/{name}.toml."
        )
    return made
