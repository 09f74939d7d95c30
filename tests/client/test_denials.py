import pytest

from vibewell_redis import RateLimitItem, WindowStats, script
from vibewell_redis.denials import MOST, Denials

ITEM = RateLimitItem("mfa", 5, 60)


def full(seconds: float) -> WindowStats:
    return WindowStats(ITEM, "user", 0, seconds)


def test_a_full_window_is_known_until_its_reset_and_not_longer() -> None:
    denials = Denials()
    denials.remember([b"key"], [full(160.0)], 0.0)
    (known,) = denials.find([b"other", b"key"], 100.5)
    assert (known.remaining, known.reset_after, known.identifier) == (0, 59.5, "user")
    assert denials.find([b"key"], 159.999)
    assert denials.find([b"key"], 160.0) == ()
    assert denials.find([b"key"], 100.0) == ()


def test_of_several_keys_only_the_full_ones_are_told() -> None:
    denials = Denials()
    denials.remember([b"a"], [full(10.0)], 0.0)
    denials.remember([b"c"], [full(20.0)], 0.0)
    assert [one.reset_after for one in denials.find([b"a", b"b", b"c"], 5.0)] == [5.0, 15.0]


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    denials = Denials()
    for number in range(MOST + 10):
        denials.remember([b"%d" % number], [full(10.0)], 0.0)
    assert denials.find([b"9"], 0.0) == ()
    assert denials.find([b"10"], 0.0)
    assert denials.find([b"%d" % (MOST + 9)], 0.0)


def test_a_key_that_is_remembered_again_pushes_nobody_out() -> None:
    denials = Denials()
    for number in range(MOST):
        denials.remember([b"%d" % number], [full(10.0)], 0.0)
    denials.remember([b"5"], [full(20.0)], 0.0)
    assert denials.find([b"0"], 0.0)


def test_a_window_with_room_is_not_remembered() -> None:
    denials = Denials()
    room = WindowStats(ITEM, "ip", 1, 60.0)
    denials.remember([b"user", b"ip"], [full(60.0), room], 100.0)
    assert len(denials) == 1
    assert denials.find([b"ip"], 100.0) == ()
    assert denials.find([b"user"], 159.9)


def answer(clears: int) -> bytes:
    return script.reply_of(1).pack(1, script.MOST_CLEARS - clears, 0.0)


@pytest.mark.parametrize(
    ("reply", "asked_at", "is_kept"),
    [
        (answer(0), 1.0, True),
        (answer(1), 1.0, False),
        (None, 1.0, True),  # Redis is away
        # What was cleared meanwhile may be out of the window in which it shows.
        (answer(0), script.CLEAR_SECONDS + 0.1, False),
    ],
)
def test_what_is_known_is_kept_unless_something_was_cleared(
    reply: bytes | None, asked_at: float, is_kept: bool
) -> None:
    denials = Denials()
    denials.remember([b"key"], [full(60.0)], 0.0)
    assert not denials.will_ask(0.4)
    assert denials.will_ask(asked_at)
    assert not denials.will_ask(asked_at + 0.4)  # another one does
    denials.told(reply, asked_at)
    assert bool(denials.find([b"key"], asked_at)) is is_kept
