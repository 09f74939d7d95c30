"""`make sectest`: one line per check, and a status that is not 0 when one failed.

usage: python -m rehearsal.security [rediss://HOST:PORT ...]

It attacks production as it is deployed on this machine or these endpoints, the primary's first.
Only harmless commands are sent there. Their token is the first line of standard input.
"""

import getpass
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from emulator.errors import EmulatorError
from rehearsal.common.deployed import Deployed
from rehearsal.common.program import interruptible
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import production
from rehearsal.security import client, exposure, logins
from rehearsal.security.target import (
    PATIENCE,
    Address,
    Check,
    Outcome,
    RefusedError,
    Target,
    logged_in,
    perform,
)

_PORT = 6379


class UsageError(Exception):
    """What the user wrote cannot be done: the text says why, and what to write instead."""


def addresses(urls: Sequence[str]) -> tuple[Address, ...]:
    """The endpoints. Raises UsageError; the text of a URL is not repeated, it may hold a token."""
    found = []
    for number, text in enumerate(urls, start=1):
        try:
            url = urlsplit(text)
            host, port = url.hostname, url.port or _PORT
        except ValueError:
            url, host, port = urlsplit(""), None, 0
        if not host or url.scheme != "rediss":
            raise UsageError(
                f"endpoint {number} is not the address of a Redis with TLS: "
                "write rediss://HOST:6379, as REDIS_URL gives it"
            )
        if url.username or url.password or url.query or url.path.strip("/"):
            raise UsageError(
                f"endpoint {number} holds more than an address. Other users of this machine "
                "see what is on a command line: leave the token out, it is asked for"
            )
        found.append(Address(host, port))
    return tuple(found)


def given_token() -> str | None:
    """The token, typed in or from standard input; None if there is none."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip() or None
    with suppress(EOFError):
        return getpass.getpass("Token (nothing: only what needs no login): ") or None
    return None


def target(rehearsal: Rehearsal) -> Target:
    """The primary's and the reader's address, then each node's own."""
    deployed = Deployed.of(rehearsal)
    ends = (*deployed.endpoints.values(), *deployed.nodes.values())
    return Target(
        tuple(Address(*end) for end in ends),
        ssl.create_default_context(cafile=str(deployed.authority)),
        deployed.token,
        ours=True,
        authority=deployed.authority,
        processes=rehearsal.embedded_aws.pid,
        rehearsal=rehearsal,
    )


CHECKS: tuple[Check, ...] = (
    # no unauthenticated access
    ("no command before a login", logins.every_command),
    ("wrong tokens are refused", logins.tokens_refused),
    ("restricted commands are refused", logins.restricted),
    # no brute force
    ("refused logins are counted", logins.counted),
    ("guessing the token is hopeless", logins.hopeless),
    ("the alarm counts who guesses", logins.heard),
    # no command injection
    ("identifiers reach nothing else", client.harmless),
    # the port is not public
    ("the address is private", exposure.private),
    ("all listens on loopback only", exposure.loopback),
    ("only security groups are let in", exposure.network),
    # TLS on every connection
    ("plain text is not answered", exposure.plain_text),
    ("TLS before 1.2 is refused", exposure.versions),
    ("weak ciphers are refused", exposure.ciphers),
    ("clients refuse impostors", client.impostors_refused),
)


_NAME = 34  # columns


def main(words: Sequence[str]) -> int:
    """0 when nothing got through, 1 when something did, 2 when the attack could not begin."""
    interruptible()
    try:
        if words:
            return _endpoint(words)
        print("Production is deployed on this machine, which takes half a minute …", flush=True)
        with production() as rehearsal:
            return attack(target(rehearsal))
    except (UsageError, EmulatorError) as problem:
        print(f"sectest: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started has been ended.")
        return 130


def attack(target: Target) -> int:
    """Print the table; 1 when a check failed."""
    counts: Counter[Outcome] = Counter()
    for name, outcome, text in perform(CHECKS, target):
        counts[outcome] += 1
        print(f"  {outcome}  {name:<{_NAME}}{text}", flush=True)
    print(
        f"\n{counts[Outcome.PASS]} passed, {counts[Outcome.FAIL]} failed, "
        f"{counts[Outcome.NOT_HERE]} not checked here."
    )
    return 1 if counts[Outcome.FAIL] else 0


def _endpoint(urls: Sequence[str]) -> int:
    """Attack what others use too, checked against the system's authorities."""
    found = addresses(urls)
    for address in found:
        try:
            socket.create_connection(address, timeout=PATIENCE).close()
        except OSError as problem:
            raise UsageError(
                f"{address} cannot be reached from here ({problem}): run this where the "
                "application runs, in a security group that is let in"
            ) from None
    target = Target(found, ssl.create_default_context(), given_token(), ours=False)
    forms = sum(1 for _ in logins.wrong_logins(target.token)) + 1
    most = forms * len(found) + logins.GUESSES
    print(
        f"At most {most} wrong logins follow: the alarm on refused logins WILL go off.\n"
        "Nothing else is disturbed: only keys of this test's own are written, and they "
        "expire.\n",
        flush=True,
    )
    if target.token is not None:
        try:
            logged_in(target, target.primary).close()
        except RefusedError:
            raise UsageError(
                f"{target.primary} refuses the token: give the value that the secret has now"
            ) from None
        except OSError as problem:
            print(f"The token could not be tried: {problem}\n")
    return attack(target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
