from datetime import UTC, datetime

import pytest

from shared.auth_token import ALPHABET, LENGTH, AuthToken, new_text

NOW, THEN = datetime.now(UTC), datetime(2026, 1, 1, tzinfo=UTC)


def test_a_new_token_is_one_of_its_own_that_elasticache_takes() -> None:
    text = new_text()
    assert len(text) == LENGTH == 64
    assert set(text) <= set(ALPHABET)
    assert AuthToken(text, NOW).usable
    assert text != new_text()


def test_a_token_shows_itself_in_no_representation_and_equals_another_of_its_text() -> None:
    token = AuthToken(new_text(), NOW)
    assert token.text not in f"{token} {token!r} {[token]}"
    assert token == AuthToken(token.text, created=THEN)


@pytest.mark.parametrize("text", ["x" * 16, "x" * 128, "!#$%&'()*+-.09:;<=>?AZ[]^_`az{|}~\\"])
def test_what_elasticache_documents_as_a_password_is_one(text: str) -> None:
    assert AuthToken(text, NOW).usable


@pytest.mark.parametrize(
    "text", ["", "x" * 15, "x" * 129, *("x" * 20 + odd for odd in ' ,"/@\n\x7fé')]
)
def test_nothing_else_is(text: str) -> None:
    assert not AuthToken(text, NOW).usable
