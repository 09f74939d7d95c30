"""What the command line says, and the token, which never stands on it."""

from __future__ import annotations

import argparse
import getpass
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.security.target import Address, Target

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


def token(secret_arn: str | None) -> str | None:
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
