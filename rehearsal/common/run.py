"""Runs the steps of a scenario on a rehearsal of its own, and says what each checked."""

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from emulator.clean_environment import ROOT
from emulator.errors import EmulatorError
from rehearsal.common.deployed import Deployed
from rehearsal.common.program import interruptible
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.common.steps import DEPLOYED, Step, follow

_LABEL = 44  # columns


# What was synthesised before, of the same files for the same account.
ASSEMBLIES = ROOT / "build/assemblies"


@contextmanager
def started(account: str = "") -> Iterator[Rehearsal]:
    """A rehearsal of its own whose embedded AWS runs, as long as this lasts."""
    rehearsal = Rehearsal(account=account)
    try:
        rehearsal.start()
        rehearsal.cdk.assemblies = ASSEMBLIES
        yield rehearsal
    finally:
        rehearsal.stop()


@contextmanager
def production() -> Iterator[Rehearsal]:
    """A rehearsal of its own with production deployed, for tests that would spoil the session's."""
    with started() as rehearsal:
        follow(rehearsal, DEPLOYED)
        yield rehearsal


def perform(
    steps: Iterable[Step],
    *,
    keep: bool = False,
    environment: str = "production",
    account: str = "",
) -> int:
    """Run steps on a rehearsal of its own; 0 when all held, 1 with the reason last when not."""
    interruptible()
    began, rehearsal = time.monotonic(), Rehearsal(environment, account)
    kept = wanted = False

    def start() -> str:
        rehearsal.start(outlives_us=keep)
        return rehearsal.embedded_aws.endpoint

    try:
        _show("the embedded AWS starts", start)
        for label, step in steps:
            _show(label, partial(step, rehearsal))
        if keep:
            print(_how_to_reach(rehearsal), flush=True)
            kept = True
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started has been ended.", flush=True)
        return 130
    except Exception as failure:  # noqa: BLE001 - the operator reads a reason, the log has the rest
        wanted = True
        (rehearsal.folder / "failure.log").write_text(traceback.format_exc())
        seconds = f"{time.monotonic() - began:.0f} s"
        print(f"\nThe logs are in {rehearsal.folder}.", flush=True)
        reason = str(failure) if isinstance(failure, EmulatorError) else repr(failure)
        print(f"The rehearsal failed after {seconds}: {reason}", flush=True)
        return 1
    finally:
        if not kept:
            rehearsal.stop(remove=not wanted)
    print(f"\nThe rehearsal passed in {time.monotonic() - began:.0f} s.", flush=True)
    return 0


def _show(label: str, work: Callable[[], str]) -> None:
    """Print a step when it begins, on a terminal, and what it found when it ends."""
    live = sys.stdout.isatty()
    if live:
        print(f"  … {label}", end="", flush=True)
    began, found, mark = time.monotonic(), "", "✗"
    try:
        found, mark = work(), "✓"
    finally:
        seconds = f"{time.monotonic() - began:5.1f} s"
        start = "\r" if live else ""
        print(f"{start}  {mark} {label:<{_LABEL}}{seconds}  {found}", flush=True)


def _how_to_reach(rehearsal: Rehearsal) -> str:
    rehearsal.keep()
    name, aws = rehearsal.checkout.name, rehearsal.embedded_aws.endpoint
    token = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    host, port = Deployed.of(rehearsal).published
    return f"""
It keeps running until 'make rehearse-stop'. Try commands and the runbook on it in a shell that
reaches nothing but this rehearsal, whatever AWS profile you use:

  make rehearse-shell     (installs the AWS command line for it, in this checkout)

  there     make health ENV={name}
            minutes SwapUsage=100000000     (ten minutes of metrics; prints the alarms that fire)
            make look ENV={name} ALARM=swap
            aws sqs list-queues
            aws secretsmanager get-secret-value --secret-id {token} \\
              --query SecretString --output text \\
              | redis-cli --tls -h {host} -p {port} --askpass PING

An SDK elsewhere: AWS_ENDPOINT_URL={aws}, any credentials, no profile.
What Slack and PagerDuty received: {aws}/_rehearsal/messages"""
