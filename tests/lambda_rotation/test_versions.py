from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import WrongVersionError
from shared.versions import ACCEPTED, CURRENT_SINCE, Versions, since

NOW = datetime(2026, 1, 4, 10, 30, tzinfo=UTC)


def versions(tags: dict[str, str] | None = None, **labels: str) -> Versions:
    return Versions({"AWSCURRENT": "c"} | labels, tags or {})


def test_the_time_of_a_move_is_read_back() -> None:
    assert versions(since("c", NOW)).current_since == NOW


def test_the_time_of_another_versions_move_does_not_count() -> None:
    assert versions(since("other", NOW)).current_since is None


@pytest.mark.parametrize("text", ["", "c", "c yesterday", "c 2026-01-04T10:30:00"])
def test_a_time_that_a_person_spoilt_counts_as_unknown(text: str) -> None:
    assert versions({CURRENT_SINCE: text}).current_since is None


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    found = versions({CURRENT_SINCE: "c 2026-01-04T12:30:00+02:00"}).current_since
    assert found == NOW
    assert found - NOW == timedelta(0)


def test_a_secret_without_awscurrent_is_refused() -> None:
    with pytest.raises(WrongVersionError, match="AWSCURRENT"):
        _ = Versions({}, {}).current


@pytest.mark.parametrize(
    ("found", "at_rest"),
    [
        (versions(), True),
        (versions(AWSPENDING="c"), True),
        (versions({ACCEPTED: "one c 2026"}, AWSPREVIOUS="p"), True),
        (versions(AWSPENDING="n"), False),
        (versions(ROTATING="n"), False),
        (versions(ROTATING="c"), False),
        (versions({ACCEPTED: "two n 2026"}), False),
        (versions({ACCEPTED: "again c 2026"}), False),
        (versions({ACCEPTED: "set c 2026"}), False),
    ],
)
def test_a_deployment_may_run_only_when_nothing_is_rotated_in_or_retired(
    found: Versions, at_rest: bool
) -> None:
    assert found.at_rest is at_rest
