"""`make sectest`: one line per check, and a status that is not 0 when one failed."""

import argparse
import getpass
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from emulator.errors import EmulatorError
from rehearsal.common.deployed import Deployed
from rehearsal.common.program import interruptible
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import production
from rehearsal.security import client, exposure, logins, transport
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
_ARN_PARTS = 7


class UsageError(Exception):
    """What the user wrote cannot be done: the text says why, and what to write instead."""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options. Exits with a message when they are not understood."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.security",
        description="Attacks production as it is deployed on this machine or, with --url, an "
        "endpoint of yours. Only harmless commands are sent there.",
    )
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        metavar="rediss://HOST:PORT",
        help="an endpoint to attack; again for the reader's",
    )
    parser.add_argument(
        "--secret-arn",
        metavar="ARN",
        help="the secret that holds the token; without it the token is asked for",
    )
    options = parser.parse_args(words)
    if options.secret_arn and not options.url:
        parser.error("--secret-arn goes with --url: a rehearsal has a token of its own")
    return options


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
                f"--url number {number} is not the address of a Redis with TLS: "
                "write rediss://HOST:6379, as REDIS_URL gives it"
            )
        if url.username or url.password or url.query or url.path.strip("/"):
            raise UsageError(
                f"--url number {number} holds more than an address. Other users of this machine "
                "see what stands on a command line: leave the token out, it is asked for"
            )
        found.append(Address(host, port))
    return tuple(found)


def token_of(secret_arn: str | None) -> str | None:
    """The token, from its secret or typed in; None if nothing is typed. Raises UsageError."""
    if secret_arn is None:
        try:
            return getpass.getpass("Token (nothing: only what needs no login): ") or None
        except EOFError:
            return None
    parts = secret_arn.split(":")
    if len(parts) != _ARN_PARTS or parts[2] != "secretsmanager":
        raise UsageError(
            "--secret-arn is not the ARN of a secret: the deployment publishes it as "
            "REDIS_PASSWORD_SECRET_ARN"
        )
    try:
        client = boto3.Session(region_name=parts[3]).client("secretsmanager")
        value: str = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    except (BotoCoreError, ClientError) as problem:
        raise UsageError(f"the secret cannot be read: {problem}") from None
    return value


def endpoint(found: tuple[Address, ...], secret: str | None) -> Target:
    """A target that others use too, checked against the system's authorities."""
    return Target(found, ssl.create_default_context(), secret, ours=False)


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


CHECKS = (
    # no unauthenticated access
    Check("no command before a login", logins.every_command),
    Check("wrong tokens are refused", logins.tokens_refused),
    Check("restricted commands are refused", logins.restricted),
    # no brute force
    Check("refused logins are counted", logins.counted),
    Check("guessing the token is hopeless", logins.hopeless),
    Check("the alarm hears who guesses", logins.heard),
    # no command injection
    Check("identifiers reach nothing else", client.harmless),
    # the port is not public
    Check("the address is private", exposure.private),
    Check("all listens on loopback only", exposure.loopback),
    Check("only security groups are let in", exposure.network),
    # TLS on every connection
    Check("plain text is not answered", transport.plain_text),
    Check("TLS before 1.2 is refused", transport.versions),
    Check("weak ciphers are refused", transport.ciphers),
    Check("clients refuse impostors", client.impostors_refused),
)


_NAME = 34  # columns


def main(words: Sequence[str]) -> int:
    """0 when nothing got through, 1 when something did, 2 when the attack could not begin."""
    interruptible()
    options = parse(words)
    try:
        if options.url:
            return _endpoint(options.url, options.secret_arn)
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
    forms = sum(1 for _ in logins.wrong_logins(target.token)) + 1
    return forms * len(target.addresses) + logins.GUESSES


def _endpoint(urls: Sequence[str], secret_arn: str | None) -> int:
    found = addresses(urls)
    for address in found:
        try:
            socket.create_connection(address, timeout=PATIENCE).close()
        except OSError as problem:
            raise UsageError(
                f"{address} cannot be reached from here ({problem}): run this where the "
                "application runs, in a security group that is let in"
            ) from None
    target = endpoint(found, token_of(secret_arn))
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
            raise UsageError(
                f"{target.primary} refuses the token: give the value that the secret has now"
            ) from None
        except OSError as problem:
            print(f"The token could not be tried: {problem}\n")
    return attack(target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
