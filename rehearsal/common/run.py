"""`make rehearse`: production's whole life on one machine, step by step.

usage: python -m rehearsal.common.run [--keep | --stop]
"""

import signal
import sys
import traceback
from collections.abc import Iterable
from types import FrameType

from emulator.clean_environment import ROOT
from emulator.errors import RehearsalError
from rehearsal.common.checks.endpoints import published
from rehearsal.common.deployed import only
from rehearsal.common.rehearsal import Rehearsal, stop_kept
from rehearsal.common.steps import WHOLE, Step
from rehearsal.common.terminal import Terminal


def main() -> int:
    """Run it; 0 when every step held, 1 with the reason last when one did not."""
    if sys.argv[1:] == ["--stop"]:
        print(f"{stop_kept()} rehearsal(s) ended")
        return 0
    return perform(WHOLE, keep=sys.argv[1:] == ["--keep"])


def perform(steps: Iterable[Step], *, keep: bool = False, environment: str = "production") -> int:
    """Run steps on a rehearsal of its own; 0 when all held, 1 with the reason last when not."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    terminal = Terminal()
    rehearsal = Rehearsal(environment)
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
    return str(failure) if isinstance(failure, RehearsalError) else repr(failure)


def _how_to_reach(rehearsal: Rehearsal) -> str:
    settings = rehearsal.keep()
    token = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    host, port = published(rehearsal)
    return f"""
It keeps running until 'make rehearse-stop'.
  AWS        {rehearsal.embedded_aws.endpoint}, for any SDK or the AWS command line after
             . {settings}
  Redis      {_redis_cli()} --tls --cacert {rehearsal.authority} \\
               -h {host} -p {port} --askpass
             the token to type in: aws secretsmanager get-secret-value --query SecretString \\
               --output text --secret-id {token}
  Messages   {rehearsal.embedded_aws.endpoint}/_rehearsal/messages, what Slack and PagerDuty got"""


def _redis_cli() -> str:
    built = sorted(ROOT.glob("build/engines/redis-*/bin/redis-cli"))
    return str(built[0]) if built else "redis-cli"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
