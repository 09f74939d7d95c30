"""The one rule, and what it rests on: tokens, labels and tags."""

from datetime import UTC, datetime, timedelta

import pytest

from rotation.wanted import wanted
from shared.auth_token import ALPHABET, LENGTH, AuthToken, new_text
from shared.errors import WrongVersionError
from shared.versions import (
    CURRENT,
    CURRENT_SINCE,
    PENDING,
    PREVIOUS,
    SENT,
    UNFINISHED_SINCE,
    Versions,
    written,
)

NOW = datetime(2026, 1, 4, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
RETIRED, KEPT, UNKNOWN = "2026-01-03T10:30:00+00:00", "2026-01-03T10:31:00+00:00", "yesterday"
C, N, P = ("C" * 64, "N" * 64, "P" * 64)


def versions(tags: dict[str, str] | None = None, **labels: str) -> Versions:
    return Versions({"AWSCURRENT": "c"} | labels, tags or {})


@pytest.mark.plan("2.3")
@pytest.mark.parametrize(
    ("current", "previous", "pending", "since", "expected"),
    [
        (C, None, None, None, [C]),
        (C, None, N, None, [C, N]),
        (C, P, None, RETIRED, [C]),
        (C, P, None, KEPT, [C, P]),
        (C, P, None, UNKNOWN, [C, P]),
        (C, P, None, "2026-01-05T00:00:00+00:00", [C, P]),
        (C, P, N, RETIRED, [C, N]),
        (C, P, N, KEPT, [C, P]),
        (C, P, "", RETIRED, [C]),
        (C, P, C, RETIRED, [C]),
        (C, C, N, KEPT, [C]),
        (C, P, "N" * 15, RETIRED, [C]),
        (C, '{"password": "of another type"}', None, KEPT, [C]),
        ("short", P, N, RETIRED, []),
        ("", P, None, KEPT, []),
    ],
)
def test_the_passwords_that_the_user_must_have(
    current: str, previous: str | None, pending: str | None, since: str | None, expected: list[str]
) -> None:
    texts = {CURRENT: current, PREVIOUS: previous, PENDING: pending}
    labels = {label: label.lower() for label, text in texts.items() if text is not None}
    values = {label: AuthToken(str(texts[label]), NOW) for label in labels}
    tags = {CURRENT_SINCE: f"awscurrent {labels.get(PREVIOUS, '-')} {since}"} if since else {}
    found = wanted(Versions(labels, tags), values, NOW, DAY)
    assert [token.text for token in found] == expected


def test_a_version_without_a_value_is_left_out() -> None:
    found, token = versions(AWSPENDING="n"), AuthToken(C, NOW)
    assert wanted(found, {CURRENT: token, PENDING: None}, NOW, DAY) == (token,)
    assert wanted(found, {CURRENT: None, PENDING: token}, NOW, DAY) == ()


def test_a_new_token_is_one_of_its_own_and_shows_itself_in_no_representation() -> None:
    token = AuthToken(new_text(), NOW)
    assert len(token.text) == LENGTH == 64
    assert set(token.text) <= set(ALPHABET)
    assert token == AuthToken(token.text, created=NOW - DAY) != AuthToken(new_text(), NOW)
    assert token.text not in f"{token} {token!r} {[token]}"


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        *((text, True) for text in ("x" * 16, "x" * 128, "!#$%&'()*+-.09:;<=>?AZ[]^_`az{|}~\\")),
        *((text, False) for text in ("", "x" * 15, "x" * 129)),
        *(("x" * 20 + odd, False) for odd in ' ,"/@\n\x7fé'),
    ],
)
def test_only_what_elasticache_documents_as_a_password_is_one(text: str, usable: bool) -> None:
    assert AuthToken(text, NOW).usable is usable


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
        (versions({CURRENT_SINCE: f"c p {RETIRED}"}, AWSPREVIOUS="p"), True),
        (versions({CURRENT_SINCE: f"c p {KEPT}"}, AWSPREVIOUS="p"), False),
    ],
)
def test_it_is_at_rest_when_awscurrents_token_alone_is_to_work(
    found: Versions, at_rest: bool
) -> None:
    assert found.at_rest(NOW, DAY) is at_rest


def test_what_was_sent_is_known_as_long_as_it_is_the_same() -> None:
    found = versions({SENT: f"c n {written(NOW)} 2", UNFINISHED_SINCE: written(NOW)})
    assert (found.sent(["c", "n"]), found.sent(["c"])) == ((NOW, 2), (None, 0))
    assert found.unfinished_since == NOW
    for text in ("", "c", "c n", "c n 2026-01-04T10:30:00+00:00", "c n soon 1"):
        spoilt = versions({SENT: text, UNFINISHED_SINCE: text})
        assert (spoilt.sent(["c", "n"])[0], spoilt.unfinished_since) == (None, None)
