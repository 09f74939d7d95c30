import string
from datetime import UTC, datetime

from shared.auth_token import AuthToken, new_text


def test_a_new_token_is_64_letters_and_digits() -> None:
    text = new_text()
    assert len(text) == 64
    assert set(text) <= set(string.ascii_letters + string.digits)


def test_two_new_tokens_differ() -> None:
    assert new_text() != new_text()


def test_a_token_shows_itself_in_no_representation() -> None:
    token = AuthToken(new_text(), created=datetime.now(UTC))
    assert token.text not in f"{token} {token!r} {[token]}"


def test_tokens_of_two_versions_are_equal_when_their_texts_are() -> None:
    text = new_text()
    now, then = datetime.now(UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert AuthToken(text, created=now) == AuthToken(text, created=then)
