"""Runs the steps of a scenario on a rehearsal of its own, and says what each checked."""

import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from emulator.clean_environment import ROOT
from emulator.errors import EmulatorError
from rehearsal.common.deployed import Deployed
from rehearsal.common.program import interruptible
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.common.steps import DEPLOYED, Step

_LABEL = 44  # columns


class Terminal:
    """Prints a step when it begins, on a terminal, and its outcome when it is over."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = sys.stdout.isatty()

    @contextmanager
    def step(self, label: str) -> Iterator["Finding"]:
        """The line of one step; what is put into the finding stands at the line's end."""
        if self._live:
            print(f"  … {label}", end="", flush=True)
        began, finding, mark = time.monotonic(), Finding(), "✗"
        try:
            yield finding
            mark = "✓"
        finally:
            seconds = f"{time.monotonic() - began:5.1f} s"
            start = "\r" if self._live else ""
            print(f"{start}  {mark} {label:<{_LABEL}}{seconds}  {finding.text}", flush=True)

    def say(self, text: str = "") -> None:
        """A line beside the steps."""
        print(text, flush=True)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began


class Finding:
    """What a step found, in a few words."""

    text = ""


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
        for _, step in DEPLOYED:
            step(rehearsal)
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
    terminal = Terminal()
    rehearsal = Rehearsal(environment, account)
    kept = wanted = False
    try:
        _run(rehearsal, terminal, steps, keep=keep)
        if keep:
            terminal.say(_how_to_reach(rehearsal))
            kept = True
    except KeyboardInterrupt:
        terminal.say("\nInterrupted: everything that was started has been ended.")
        return 130
    except Exception as failure:  # noqa: BLE001 - the operator reads a reason, the log has the rest
        wanted = True
        (rehearsal.folder / "failure.log").write_text(traceback.format_exc())
        terminal.say(f"\nThe logs are in {rehearsal.folder}.")
        terminal.say(f"The rehearsal failed after {terminal.seconds:.0f} s: {_reason(failure)}")
        return 1
    finally:
        if not kept:
            rehearsal.stop(remove=not wanted)
    terminal.say(f"\nThe rehearsal passed in {terminal.seconds:.0f} s.")
    return 0


def _run(rehearsal: Rehearsal, terminal: Terminal, steps: Iterable[Step], *, keep: bool) -> None:
    with terminal.step("the embedded AWS starts") as finding:
        rehearsal.start(outlives_us=keep)
        finding.text = rehearsal.embedded_aws.endpoint
    for label, step in steps:
        with terminal.step(label) as finding:
            finding.text = step(rehearsal)


def _reason(failure: Exception) -> str:
    return str(failure) if isinstance(failure, EmulatorError) else repr(failure)


def _how_to_reach(rehearsal: Rehearsal) -> str:
    settings = rehearsal.keep()
    token = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    host, port = Deployed.of(rehearsal).published
    return f"""
It keeps running until 'make rehearse-stop'.
  AWS        {rehearsal.embedded_aws.endpoint}, for any SDK or the AWS command line after
             . {settings}
  Commands   cd {rehearsal.checkout.folder}
             make health ENV=production, and every other command of the documents
  Redis      {_redis_cli()} --tls --cacert {rehearsal.authority} \\
               -h {host} -p {port} --askpass
             the token to type in: aws secretsmanager get-secret-value --query SecretString \\
               --output text --secret-id {token}
  Messages   {rehearsal.embedded_aws.endpoint}/_rehearsal/messages, what Slack and PagerDuty got"""


def _redis_cli() -> str:
    built = sorted(ROOT.glob("build/engines/redis-*/bin/redis-cli"))
    return str(built[0]) if built else "redis-cli"
