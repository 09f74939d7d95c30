"""The plan's variables (§2.4, 5.4), from the environment or as the deployment publishes them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vibewell_redis.limits import RateLimitItem


class SettingsError(ValueError):
    """A variable is missing or malformed: the message names it and says what to write."""


class Variables:
    """Names and texts, and their source: "the environment", or an SSM path."""

    def __init__(self, values: Mapping[str, str], where: str) -> None:
        self._values = {name: value for name, value in values.items() if value}
        self._where = where
        if _IS_LOCAL.match(self._values.get("REDIS_URL", "")):
            self._values = _LOCAL | self._values

    def refusal(self, name: str, problem: str, remedy: str) -> SettingsError:
        """The error to raise: it never repeats the value of a variable that may be a secret."""
        return SettingsError(f"{name} in {self._where} {problem}. {remedy}.")

    def optional(self, name: str) -> str | None:
        """The variable, or None if it is not there or empty."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A variable that must be there."""
        value = self.optional(name)
        if value is None:
            raise self.refusal(name, "is missing", "Write it as the deployment publishes it")
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``, in any case."""
        value = self.text(name).lower()
        if value not in ("true", "false"):
            raise self.refusal(name, f"is {value!r}", "Write true or false")
        return value == "true"

    def count(self, name: str, *, most: int, least: int = 1, default: int | None = None) -> int:
        """A whole number from ``least`` to ``most``; without a default it must be there."""
        if default is not None and self.optional(name) is None:
            return default
        text = self.text(name)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        if not least <= number <= most:
            raise self.refusal(name, f"is {text!r}", f"Write a whole number from {least} to {most}")
        return number

    def limit(self, name: str, tier: str) -> RateLimitItem:
        """A limit in the plan's form, as ``120,60`` or ``10,1;1000,3600``."""
        value = self.text(name)
        try:
            return RateLimitItem.parse(tier, value)
        except ValueError as problem:
            form = "It is requests,seconds, or several of these separated by ;"
            raise self.refusal(name, f"is no limit: {problem}", form) from None


if TYPE_CHECKING:
    import boto3

# The plan's tiers (§2.4).
PLAN = {
    "general": "120,60",
    "auth": "30,60",
    "sensitive": "10,60",
    "admin": "300,60",
    "mfa": "5,60",
    "financial": "20,60",
}
TIERS = tuple(PLAN)
_OWN = "RATE_LIMIT_TIERS"
_DEFAULT_PORT = 6379
_IS_LOCAL = re.compile(
    r"memory://|redis://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]*)?/?$", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How Redis is reached and what is limited. Make one with one of the two class methods.

    ``timeout_ms`` and ``max_reconnect_attempts`` are ceilings: a rate-limit decision has a much
    shorter deadline of its own. The token's secret is read with ``session``, which forked processes
    share, or with boto3's default credentials. ``instances`` is by how many processes a limit is
    divided while Redis is away. ``in_memory`` is for tests and laptops: windows of this process
    alone, held without Redis under the name ``host``.
    """

    enabled: bool
    host: str
    port: int
    tls: bool
    password: str | None = field(repr=False)
    password_secret_arn: str | None
    timeout_ms: int
    max_reconnect_attempts: int
    pool_size: int
    pool_idle_seconds: int
    instances: int
    tiers: Mapping[str, RateLimitItem]
    in_memory: bool = False
    session: boto3.Session | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings from environment variables. Raises SettingsError, which names the variable."""
        return _settings(Variables(environ, "the environment"))

    @classmethod
    def from_parameter_store(cls, path: str, session: boto3.Session | None = None) -> Settings:
        """Settings from the SSM path that the deployment publishes, as /vibewell/production/redis.

        The token is not read here: connections fetch it from the secret when they log in. Raises
        SettingsError, when the path cannot be read too.
        """
        return replace(_settings(Variables(_published(path, session), path)), session=session)

    @property
    def timeout(self) -> float:
        """The longest that one answer of Redis may take, in seconds."""
        return self.timeout_ms / 1000


# A call that AWS does not answer in this time is tried once more, then given up (seconds).
QUICK = {"connect_timeout": 2, "read_timeout": 2, "retries": {"total_max_attempts": 2}}


def _published(path: str, session: boto3.Session | None) -> dict[str, str]:
    """Every parameter directly under the path, by its last part. Raises SettingsError."""
    import boto3  # an extra
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    if not path.startswith("/") or path.endswith("/"):
        raise SettingsError(
            f"{path!r} is not an SSM path. Write it without its last slash, for example "
            "/vibewell/production/redis."
        )
    ssm = (session or boto3.Session()).client("ssm", config=Config(**QUICK))
    try:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
        found = [one for page in pages for one in page["Parameters"]]
    except (BotoCoreError, ClientError) as problem:
        raise SettingsError(
            f"{path} cannot be read: {problem}. Attach the read policy of the data stack to the "
            "application's role, and see that it reaches SSM."
        ) from None
    if not found:
        raise SettingsError(
            f"{path} holds no parameters. Write the path that the deployment publishes, for "
            "example /vibewell/production/redis, and see that the Region is its own."
        )
    return {one["Name"].rpartition("/")[2]: one["Value"] for one in found}


def variable_of(tier: str) -> str:
    """The variable that holds a tier's limits."""
    return f"RATE_LIMIT_{tier.upper().replace('-', '_')}"


# What a Redis on the same machine, or none, needs no variables for.
_LOCAL = {
    "REDIS_ENABLED": "true",
    "REDIS_TLS": "false",
    "REDIS_TIMEOUT": "5000",
    "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
    **{variable_of(name): limit for name, limit in PLAN.items()},
}


def _settings(variables: Variables) -> Settings:
    host, port, tls = _address(variables)
    password, arn = _password(variables, tls=tls)
    return Settings(
        enabled=variables.flag("REDIS_ENABLED"),
        host=host,
        port=port,
        tls=tls,
        password=password,
        password_secret_arn=arn,
        timeout_ms=variables.count("REDIS_TIMEOUT", most=600_000),
        max_reconnect_attempts=variables.count("REDIS_MAX_RECONNECT_ATTEMPTS", least=0, most=1000),
        pool_size=variables.count("REDIS_POOL_SIZE", most=10_000, default=20),
        pool_idle_seconds=variables.count("REDIS_POOL_IDLE_SECONDS", most=86_400, default=60),
        instances=variables.count("REDIS_INSTANCES", most=100_000, default=1),
        tiers={name: variables.limit(variable_of(name), name) for name in _tiers(variables)},
        in_memory=variables.text("REDIS_URL").lower().startswith("memory:"),
    )


def _tiers(variables: Variables) -> list[str]:
    """The plan's tiers, and those that RATE_LIMIT_TIERS names."""
    names = list(TIERS)
    for text in (variables.optional(_OWN) or "").split(","):
        name = text.strip()
        if not name:
            continue
        try:
            RateLimitItem.of(name, 1, 1)
        except ValueError as problem:
            raise variables.refusal(_OWN, f"is wrong: {problem}", "For example free,pro") from None
        if variable_of(name) in (_OWN, *map(variable_of, names)):
            raise variables.refusal(
                _OWN,
                f"names {name!r}, whose variable {variable_of(name)} is taken",
                "Write the names of tiers that are not of the plan's six, each once",
            )
        names.append(name)
    return names


def _address(variables: Variables) -> tuple[str, int, bool]:
    text = variables.text("REDIS_URL")
    tls = variables.flag("REDIS_TLS")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or _DEFAULT_PORT
        if url.scheme == "memory":
            host = host or ""
    except ValueError:
        host, port = None, 0
    # The text is not repeated: somebody may have written a password into it.
    form = "rediss://<primary address>:6379"
    if host is None or url.scheme not in ("redis", "rediss", "memory"):
        raise variables.refusal("REDIS_URL", "is not the address of a Redis", f"Write {form}")
    if url.username or url.password or url.query or url.path.strip("/"):
        raise variables.refusal(
            "REDIS_URL",
            "carries more than an address. Addresses are shown in logs, passwords must not be",
            f"Write {form}, and the password into REDIS_PASSWORD",
        )
    if tls != (url.scheme == "rediss"):
        raise variables.refusal(
            "REDIS_TLS",
            f"is {str(tls).lower()} and REDIS_URL begins with {url.scheme}://: one is wrong",
            f"Write REDIS_TLS=true and {form}, as the deployment publishes them",
        )
    return host, port, tls


def _password(variables: Variables, *, tls: bool) -> tuple[str | None, str | None]:
    password = variables.optional("REDIS_PASSWORD")
    arn = variables.optional("REDIS_PASSWORD_SECRET_ARN")
    if password and arn:
        raise variables.refusal(
            "REDIS_PASSWORD",
            "is set together with REDIS_PASSWORD_SECRET_ARN, and they differ after a rotation",
            "Keep REDIS_PASSWORD_SECRET_ARN: its token is read again after a rotation",
        )
    if tls and not (password or arn):
        raise variables.refusal(
            "REDIS_PASSWORD",
            "is missing: the deployment accepts no login without its token",
            "Write REDIS_PASSWORD_SECRET_ARN, which survives a rotation, or REDIS_PASSWORD",
        )
    return password, arn
