"""The one rule, as a table: labels, values and time on the left, the user's passwords right."""

from datetime import UTC, datetime, timedelta

import pytest

from rotation.wanted import wanted
from shared.auth_token import AuthToken
from shared.versions import CURRENT, CURRENT_SINCE, PENDING, PREVIOUS, Versions

NOW = datetime(2026, 1, 4, 10, 30, tzinfo=UTC)
AFTER = timedelta(hours=24)
RETIRED, KEPT, UNKNOWN = "2026-01-03T10:30:00+00:00", "2026-01-03T10:31:00+00:00", "yesterday"
C, N, P = ("C" * 64, "N" * 64, "P" * 64)


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
        (C, P, "N" * 129, RETIRED, [C]),
        (C, P, "N" * 64 + "@", RETIRED, [C]),
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
    found = wanted(Versions(labels, tags), values, NOW, AFTER)
    assert [token.text for token in found] == expected


def test_a_version_without_a_value_is_left_out() -> None:
    found, token = Versions({CURRENT: "c", PENDING: "n"}, {}), AuthToken(C, NOW)
    assert wanted(found, {CURRENT: token, PENDING: None}, NOW, AFTER) == (token,)
    assert wanted(found, {CURRENT: None, PENDING: token}, NOW, AFTER) == ()
