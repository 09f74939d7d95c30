from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import WrongVersionError
from shared.versions import CURRENT_SINCE, SENT, UNFINISHED_SINCE, Versions, written

NOW = datetime(2026, 1, 4, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def versions(tags: dict[str, str] | None = None, **labels: str) -> Versions:
    return Versions({"AWSCURRENT": "c"} | labels, tags or {})


def test_the_time_of_a_move_is_read_back() -> None:
    for found in (versions(), versions(AWSPREVIOUS="p")):
        again = Versions(found.by_label, found.since(NOW))
        assert again.current_since(NOW) == NOW
        assert again.current_since(NOW - timedelta(seconds=1)) is None, "a time to come"
    elsewhere = versions({CURRENT_SINCE: "c p 2026-01-04T12:30:00+02:00"}, AWSPREVIOUS="p")
    assert elsewhere.current_since(NOW) == NOW


@pytest.mark.parametrize(
    "text",
    [
        *("", "c", "c p", "c p yesterday", "c p 2026-01-04T10:30:00", "2026-01-04T10:30:00+00:00"),
        *("other p 2026-01-04T10:30:00+00:00", "c other 2026-01-04T10:30:00+00:00"),
        *("c - 2026-01-04T10:30:00+00:00", "c p 2026-01-04T10:31:00+00:00"),
    ],
)
def test_a_time_that_is_spoilt_or_of_another_move_counts_as_unknown(text: str) -> None:
    found = versions({CURRENT_SINCE: text}, AWSPREVIOUS="p")
    assert found.current_since(NOW) is None
    assert not found.retired(NOW, DAY)


def test_a_secret_without_awscurrent_is_refused() -> None:
    with pytest.raises(WrongVersionError, match="AWSCURRENT"):
        _ = Versions({}, {}).current


@pytest.mark.parametrize(
    ("found", "at_rest"),
    [
        (versions(), True),
        (versions(AWSPENDING="c"), True),
        (versions(AWSPENDING="n"), False),
        (versions({CURRENT_SINCE: "c p 2026-01-03T10:30:00+00:00"}, AWSPREVIOUS="p"), True),
        (versions({CURRENT_SINCE: "c p 2026-01-03T10:31:00+00:00"}, AWSPREVIOUS="p"), False),
    ],
)
def test_it_is_at_rest_when_awscurrents_token_alone_is_to_work(
    found: Versions, at_rest: bool
) -> None:
    assert found.at_rest(NOW, DAY) is at_rest


def test_what_was_sent_is_known_as_long_as_it_is_the_same() -> None:
    found = versions({SENT: f"c n {written(NOW)} 2", UNFINISHED_SINCE: written(NOW)})
    assert found.sent(["c", "n"]) == (NOW, 2)
    assert found.sent(["c"]) == (None, 0)
    assert found.unfinished_since == NOW


@pytest.mark.parametrize("text", ["", "c", "c n", "c n 2026-01-04T10:30:00+00:00", "c n soon 1"])
def test_a_spoilt_note_is_none(text: str) -> None:
    found = versions({SENT: text, UNFINISHED_SINCE: text})
    assert found.sent(["c", "n"])[0] is None
    assert found.unfinished_since is None
