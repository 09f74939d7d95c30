"""What the labels and tags of the secret say at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.errors import WrongVersionError

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"
# Ours. On a version that is not AWSCURRENT: ROTATE brought its token in, or is about to. On
# AWSCURRENT's: the group may still accept the token before it. It outlives what people and the
# service do to AWSPENDING, and keeps the version from being deleted.
ROTATING = "ROTATING"

# Tags. Without any of them everything is still safe, and at worst later.
CURRENT_SINCE = "redis-token:current-since"
ACCEPTED = "redis-token:accepted"
UNFINISHED_SINCE = "redis-token:unfinished-since"


@dataclass(frozen=True)
class Versions:
    """Version ids by staging label (a label is on one version only), and the secret's tags."""

    by_label: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def current(self) -> str:
        """Clients read this version. Raises WrongVersionError if there is none."""
        version = self.by_label.get(CURRENT)
        if version is None:
            raise WrongVersionError(f"no version of the secret is {CURRENT}")
        return version

    @property
    def previous(self) -> str | None:
        """The version that was AWSCURRENT before."""
        return self.by_label.get(PREVIOUS)

    @property
    def pending(self) -> str | None:
        """The version that Secrets Manager wants rotated in."""
        return self.by_label.get(PENDING)

    @property
    def rotating(self) -> str | None:
        """The version with our own label."""
        return self.by_label.get(ROTATING)

    @property
    def unretired(self) -> bool:
        """AWSCURRENT has moved, and the token before it is not yet proven to be refused."""
        return self.rotating == self.current

    @property
    def at_rest(self) -> bool:
        """Only AWSCURRENT's token is accepted and no rotation has begun: a deployment may run."""
        begun = {self.rotating, self.pending} - {None, self.current}
        return not begun and not self.unretired and not self.perhaps_two_accepted

    @property
    def unfinished(self) -> bool:
        """A rotation has begun, AWSCURRENT has not moved, and nothing else is waited for."""
        begun = {self.rotating, self.pending} - {None, self.current}
        return bool(begun) and not self.unretired

    @property
    def current_since(self) -> datetime | None:
        """When AWSCURRENT moved to the version that has it; None if nobody wrote it down."""
        version, _, time = self.tags.get(CURRENT_SINCE, "").partition(" ")
        return _time(time) if version == self.current else None

    def was_current_once(self, version: str) -> bool:
        """A time of AWSCURRENT's move to this version is written down, perhaps an earlier move."""
        return self.tags.get(CURRENT_SINCE, "").startswith(f"{version} ")

    @property
    def unfinished_since(self) -> datetime | None:
        """When the reconciler first saw the rotation that is unfinished."""
        return _time(self.tags.get(UNFINISHED_SINCE, ""))

    @property
    def set_was_sent(self) -> bool:
        """ElastiCache took a SET of AWSCURRENT's token; what came of it is to be proven."""
        what, version, _ = self._accepted
        return what in ("set", "one") and version == self.current

    @property
    def retirement_asked(self) -> datetime | None:
        """When ElastiCache was last asked for a change that retires what is beside AWSCURRENT."""
        what, version, time = self._accepted
        return _time(time) if what in ("set", "again") and version == self.current else None

    @property
    def perhaps_two_accepted(self) -> bool:
        """A ROTATE was about to be sent, and since then nobody proved that one token is left."""
        return self._accepted[0] in ("two", "again", "set")

    @property
    def _accepted(self) -> tuple[str, str, str]:
        what, _, rest = self.tags.get(ACCEPTED, "").partition(" ")
        version, _, time = rest.partition(" ")
        return what, version, time


def since(version: str, time: datetime) -> dict[str, str]:
    """The tag that says when AWSCURRENT moved to a version."""
    return {CURRENT_SINCE: f"{version} {time.isoformat(timespec='seconds')}"}


def unfinished(time: datetime) -> dict[str, str]:
    """The tag that says when an unfinished rotation was first seen."""
    return {UNFINISHED_SINCE: time.isoformat(timespec="seconds")}


def accepted(
    what: Literal["two", "again", "set", "one"], version: str, time: datetime
) -> dict[str, str]:
    """The tag about the tokens that the group accepts, and since when.

    "two": this version's and perhaps another, written before ROTATE; "again": the same, before a
    ROTATE of AWSCURRENT's own. "set": SET of this version's was sent. "one": this version's alone,
    proven.
    """
    return {ACCEPTED: f"{what} {version} {time.isoformat(timespec='seconds')}"}


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
