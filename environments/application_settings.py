"""The application's settings and its connection budget: [application]."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PositiveInt

from environments.section import Problems, Refusal, Section, at_least, at_most, matching, rule

_MOST_WINDOWS = 8
_CLIENT = (
    "The client package takes no more (client/vibewell_redis/settings.py), and would not start"
)


class RateLimit(Section):
    """So many requests in so many seconds."""

    requests: Annotated[PositiveInt, at_most(1_000_000, _CLIENT)]
    seconds: Annotated[PositiveInt, at_most(14 * 24 * 3600, _CLIENT)]

    def __str__(self) -> str:
        """The plan's own form (§2.4): ``120,60``."""
        return f"{self.requests},{self.seconds}"


def _as_windows(value: object) -> object:
    """One table is a tier of one window."""
    return value if isinstance(value, list | tuple) else [value]


def _check_windows(windows: tuple[RateLimit, ...]) -> tuple[RateLimit, ...]:
    if not 1 <= len(windows) <= _MOST_WINDOWS:
        raise Refusal(
            f"{len(windows)} windows of one tier. Each request checks each of them. Write 1 to "
            f"{_MOST_WINDOWS}."
        )
    if len({window.seconds for window in windows}) < len(windows):
        raise Refusal(
            "two windows of one tier have the same length. A request must be admitted by all "
            "windows: the stricter one decides alone. Write the stricter one alone."
        )
    return tuple(sorted(windows, key=lambda window: window.seconds))


# One window, or several that must all admit the request, the shortest first.
Tier = Annotated[
    tuple[RateLimit, ...],
    Field(strict=False),
    AfterValidator(_check_windows),
    BeforeValidator(_as_windows),
]
_MOST_OWN_TIERS = 40  # each is a resource of the data stack


class RateLimits(Section):
    """The limits of each tier of §2.4, and of tiers of any other name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Tier]

    general: Tier
    auth: Tier
    sensitive: Tier
    admin: Tier
    mfa: Tier
    financial: Tier

    @property
    def own(self) -> list[str]:
        """The names of the tiers that are not the plan's."""
        return list(self.__pydantic_extra__)

    @property
    def variables(self) -> dict[str, str]:
        """The client's variables: ``120,60``, or ``10,1;1000,3600`` for two windows."""
        named = {"RATE_LIMIT_TIERS": ",".join(self.own)} if self.own else {}
        tiers: dict[str, tuple[RateLimit, ...]] = dict(self)
        return {variable_of(name): ";".join(map(str, tier)) for name, tier in tiers.items()} | named

    @rule
    def _own_names_are_names(self) -> Problems:
        if len(self.own) > _MOST_OWN_TIERS:
            raise Refusal(
                f"there are {len(self.own)} tiers in addition to the plan's. Each is an SSM "
                f"parameter of the data stack, which has room for {_MOST_OWN_TIERS}. Let similar "
                "routes share a tier."
            )
        taken = {variable_of(name) for name in type(self).model_fields} | {"RATE_LIMIT_TIERS"}
        for name in self.own:
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) or variable_of(name) in taken:
                yield (
                    f"{name}: the tier {name!r} cannot be published as {variable_of(name)}. A "
                    "tier's name is 1 to 32 lower-case letters, digits, hyphens and underscores, "
                    "a letter first, and no two tiers have the same variable. Name it for example "
                    '"free".'
                )
            taken.add(variable_of(name))


def variable_of(tier: str) -> str:
    """The name of a tier's variable."""
    return f"RATE_LIMIT_{tier.upper().replace('-', '_')}"


_TAG = matching(
    r"[A-Za-z0-9_ .:/=+@-]+",
    "server_tag has {}",
    "EC2's tags are English letters, digits, spaces and .:/=+@-, and State Manager takes a tag as "
    "it is: a pattern such as * matches no server",
    'Write the tag of the application servers, such as key = "role"',
)


# Systems Manager API, Target: a key has no plus sign; the schema of AWS::SSM::Association, which
# takes one: 128 characters with "tag:" before them.
_TAG_KEY = matching(
    r"(?!tag:)[A-Za-z0-9_ .:/=@-]{1,124}",
    "{} is not the key of a tag by which servers are found",
    "State Manager takes 1 to 124 English letters, digits, spaces and _.:/=@-, and the template "
    "puts tag: before them",
    "Write a shorter key without other characters, and give the servers that tag",
)


class ServerTag(Section):
    """The tag by which Systems Manager finds the application servers."""

    key: Annotated[str, _TAG_KEY]
    value: Annotated[str, Field(min_length=1, max_length=256), _TAG]


class Application(Section):
    """The client's settings (§2.4, 5.4), the connection budget and the servers (§5.3).

    Without a ``server_tag`` no server's kernel values are set or watched.
    """

    redis_enabled: bool
    timeout_ms: Annotated[
        PositiveInt,
        at_most(600_000, _CLIENT),
        at_least(50, "Milliseconds are meant, and a login over TLS takes longer"),
    ]
    max_reconnect_attempts: Annotated[int, Field(ge=0), at_most(1000, _CLIENT)]
    instances: Annotated[PositiveInt, at_most(100_000, _CLIENT)]
    pool_size: Annotated[PositiveInt, at_most(10_000, _CLIENT)]
    pool_idle_seconds: Annotated[PositiveInt, at_most(86_400, _CLIENT)]
    # More than any node accepts, and the servers' limit of open files would pass the kernel's own
    # (fs.nr_open, 1,048,576): systemd could start no service.
    max_clients: Annotated[PositiveInt, at_most(65_000, "No node accepts more connections")]
    rate_limits: RateLimits
    server_tag: ServerTag | None = None

    @property
    def connections(self) -> int:
        """The most connections that all instances together open."""
        return self.instances * self.pool_size
