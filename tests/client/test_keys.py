import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from vibewell_redis import RateLimitItem, keys

VALUES = st.text(st.characters(codec=None), min_size=1, max_size=80)
HOSTILE = ["a b", "}{x}", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "\x00", "ü", "#abc", "x" * 5000, "\ud800"]


def key(tier: str, kind: str, value: str) -> bytes:
    return keys.stem("rl", RateLimitItem(tier, 5, 60), kind).encode() + keys.tail(value)


def test_a_plain_value_of_48_bytes_at_most_can_be_read_in_the_key() -> None:
    assert key("auth", "user", "alice@example.com") == b"{rl}:auth:user:alice@example.com"
    assert key("auth", "ip", "2001:db8::/64") == b"{rl}:auth:ip:2001:db8::/64"
    assert keys.tail("x" * 48) == b"x" * 48
    assert keys.tail("x" * 49).startswith(b"#")


@pytest.mark.plan("6.2")
@pytest.mark.parametrize("value", HOSTILE)
def test_any_other_value_is_replaced_by_a_digest_of_22_characters(value: str) -> None:
    tail = keys.tail(value)
    assert tail.startswith(b"#")
    assert len(tail) == 23
    assert not set(tail) - set(b"#ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.plan("5.5")
@given(VALUES)
def test_all_keys_of_a_prefix_lie_in_one_slot(value: str) -> None:
    slot = key_slot(b"{rl}")
    assert key_slot(key("auth", "user", value)) == slot
    assert key_slot(key("mfa", "ip", value)) == slot
    assert key_slot(keys.trial("rl")) == slot


@pytest.mark.parametrize("word", ["", "a}b", "User", "a:b", "a" * 33])
def test_a_kind_or_prefix_that_could_leave_its_place_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="becomes part of a key"):
        keys.stem("rl", RateLimitItem("auth", 5, 60), word)
    with pytest.raises(ValueError, match="becomes part of a key"):
        keys.stem(word, RateLimitItem("auth", 5, 60), "user")
