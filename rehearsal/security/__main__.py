"""`make sectest`: one line a check, and a status that is not 0 when one failed."""

from __future__ import annotations

import signal
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from types import FrameType

from emulator.errors import RehearsalError
from rehearsal.security import arguments, guessing, rehearsed, tokens
from rehearsal.security.checks import CHECKS
from rehearsal.security.outcome import Outcome, perform
from rehearsal.security.target import Target
from rehearsal.security.wire import PATIENCE, RefusedError, logged_in

_NAME = 34  # columns


def main(words: Sequence[str]) -> int:
    """0 when nothing got through, 1 when something did, 2 when the attack could not begin."""
    signal.signal(signal.SIGTERM, _interrupt)
    options = arguments.parse(words)
    try:
        if options.url:
            return _endpoint(options.url, options.secret_arn)
        print("Production is deployed on this machine, which takes half a minute …", flush=True)
        with rehearsed.deployed() as target:
            return attack(target)
    except (arguments.UsageError, RehearsalError) as problem:
        print(f"sectest: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started has been ended.")
        return 130


def attack(target: Target) -> int:
    """Print the table; 1 when a check failed."""
    counts: Counter[Outcome] = Counter()
    for line in perform(CHECKS, target):
        counts[line.outcome] += 1
        print(f"  {line.outcome}  {line.name:<{_NAME}}{line.text}", flush=True)
    print(
        f"\n{counts[Outcome.PASS]} passed, {counts[Outcome.FAIL]} failed, "
        f"{counts[Outcome.NOT_HERE]} not checked here."
    )
    return 1 if counts[Outcome.FAIL] else 0


def wrong_logins(target: Target) -> int:
    """The most that an endpoint which others use is asked to refuse."""
    forms = sum(1 for _ in tokens.wrong_logins(target.token)) + 1
    return forms * len(target.addresses) + guessing.GUESSES


def _endpoint(urls: Sequence[str], secret_arn: str | None) -> int:
    found = arguments.addresses(urls)
    for address in found:
        try:
            socket.create_connection(address, timeout=PATIENCE).close()
        except OSError as problem:
            raise arguments.UsageError(
                f"{address} cannot be reached from here ({problem}): run this where the "
                "application runs, in a security group that is let in"
            ) from None
    target = arguments.endpoint(found, arguments.token(secret_arn))
    print(
        f"At most {wrong_logins(target)} wrong logins follow: the alarm on refused logins WILL go "
        "off.\nNothing else is disturbed: only keys of this test's own are written, and they "
        "expire.\n",
        flush=True,
    )
    if target.token is not None:
        try:
            logged_in(target, target.primary).close()
        except RefusedError:
            raise arguments.UsageError(
                f"{target.primary} refuses the token: give the value that the secret has now"
            ) from None
        except OSError as problem:
            print(f"The token could not be tried: {problem}\n")
    return attack(target)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
