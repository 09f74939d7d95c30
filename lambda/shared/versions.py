"""What the labels and tags of the secret say at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import WrongVersionError

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"

# Tags. Without any of them everything is still safe, and at worst later.
CURRENT_SINCE = "redis-token:current-since"  # "<AWSCURRENT's version> <AWSPREVIOUS's or -> <time>"
UNFINISHED_SINCE = "redis-token:unfinished-since"
SENT = "redis-token:sent"  # "<versions> <time> <times>", gone when every node is seen to have it


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
        """The version that is to become AWSCURRENT; None if AWSPENDING is on AWSCURRENT itself."""
        version = self.by_label.get(PENDING)
        return None if version == self.by_label.get(CURRENT) else version

    @property
    def never_moved(self) -> bool:
        """AWSCURRENT is where it was created: there is nothing to retire."""
        return self.previous is None and CURRENT_SINCE not in self.tags

    def current_since(self, now: datetime) -> datetime | None:
        """When AWSCURRENT moved to its version.

        None where that is unknown: there is no tag, it is about another pair of versions, or its
        time is in the future.
        """
        pair, _, text = self.tags.get(CURRENT_SINCE, "").rpartition(" ")
        time = _time(text) if pair == self._pair else None
        return time if time and time <= now else None

    def retired(self, now: datetime, retire_after: timedelta) -> bool:
        """AWSPREVIOUS's token is past its time: no client uses it any more."""
        since = self.current_since(now)
        return self.never_moved or (since is not None and now >= since + retire_after)

    def at_rest(self, now: datetime, retire_after: timedelta) -> bool:
        """No rotation is under way, and only AWSCURRENT's token is to work."""
        return self.pending is None and self.retired(now, retire_after)

    @property
    def unfinished_since(self) -> datetime | None:
        """Since when passes have found something that is not as it should be."""
        return _time(self.tags.get(UNFINISHED_SINCE, ""))

    def sent(self, versions: Sequence[str]) -> tuple[datetime | None, int]:
        """When the passwords of just these versions were sent, and how often in a row."""
        *what, time, times = ["", *self.tags.get(SENT, "").split(" ")]
        if what[1:] != [*versions] or not times.isdecimal():
            return None, 0
        return _time(time), int(times)

    def since(self, time: datetime) -> dict[str, str]:
        """The tag that says when AWSCURRENT moved to where it is."""
        return {CURRENT_SINCE: f"{self._pair} {written(time)}"}

    @property
    def _pair(self) -> str:
        return f"{self.current} {self.previous or '-'}"


def written(time: datetime) -> str:
    """A time as tags hold it."""
    return time.isoformat(timespec="seconds")


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
