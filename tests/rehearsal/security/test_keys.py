"""Two that differ in tier, kind or value never share a key; every key has one form."""

import re
from collections.abc import Callable

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from rehearsal.security.hostile_client import VALUES
from vibewell_redis import RateLimitItem, keys

Name = tuple[str, str, str]  # tier, kind, value
MakeKey = Callable[[Name], bytes]

_TEXT = st.text(st.characters(categories=None), min_size=1, max_size=60)  # lone surrogates too
_VALUE = st.one_of(
    _TEXT,
    st.text(":{}#ab@", min_size=1, max_size=6),
    st.text("aB", min_size=46, max_size=50),
    st.sampled_from([value for value in VALUES if len(value) < 100]),
)
_TIER = st.sampled_from(["general", "auth", "a", "a-b"])
_KIND = st.sampled_from(["user", "ip", "a", "a_b"])
_NAME = st.tuples(_TIER, _KIND, _VALUE)
_FORM = re.compile(rb"\{rl\}:[a-z0-9_-]+:[a-z0-9_]+:[!-z|~]{1,64}")


def ours(name: Name) -> bytes:
    tier, kind, value = name
    return keys.stem(keys.PREFIX, RateLimitItem(tier, 5, 60), kind).encode() + keys.tail(value)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Name, Name]:
    """Two names, the second often as near to the first as somebody could write it."""
    tier, kind, value = draw(_NAME)
    near = st.sampled_from(
        [value, value.swapcase(), value + "x", f" {value}", value.replace("a", "_"), value[:40]]
    )
    same = st.just((tier, kind))
    place = st.one_of(same, same, st.tuples(_TIER, _KIND))
    other = st.tuples(place, st.one_of(near, near, _VALUE)).filter(lambda found: found[1] != "")
    (other_tier, other_kind), other_value = draw(other)
    return (tier, kind, value), (other_tier, other_kind, other_value)


def never_shared(make: MakeKey, *, derandomize: bool = False) -> None:
    @settings(
        database=None,
        derandomize=derandomize,
        max_examples=500,
        phases=[Phase.explicit, Phase.generate],
    )
    @given(pairs())
    @example((("auth", "user", "\n"), ("auth", "user", keys.tail("\n").decode())))
    def hold(pair: tuple[Name, Name]) -> None:
        one, other = pair
        assert one == other or make(one) != make(other)

    hold()


@pytest.mark.plan("6.2")
def test_two_different_names_never_share_a_key() -> None:
    never_shared(ours)


@pytest.mark.plan("6.2")
@given(_NAME)
def test_every_key_has_one_form_and_lies_in_one_slot(name: Name) -> None:
    assert _FORM.fullmatch(ours(name))
    assert key_slot(ours(name)) == key_slot(b"{rl}")


def folded(name: Name) -> bytes:
    return ours((name[0], name[1], name[2].lower()))


def without_kind(name: Name) -> bytes:
    return ours((name[0], "user", name[2]))


@pytest.mark.parametrize("make", [folded, without_kind])
def test_the_search_finds_keys_that_are_shared(make: MakeKey) -> None:
    with pytest.raises(AssertionError):
        never_shared(make, derandomize=True)
