"""The script against the definition of a sliding window, on a clock that the test holds."""

import itertools
import random
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.server import connect as to_node
from emulator.nodes.spec import GroupSpec
from vibewell_redis import RateLimitItem, keys, memory, script

pytestmark = pytest.mark.servers

CYCLE = 1 << 32
# Some moment, and one shortly before the ticks start again.
CLOCKS = [1_700_000_000_000_000, 400_000 * CYCLE - 3000]

# The one line that asks for the time, and what replaces it here; keys outlive the test, since
# the server would let them expire by its own clock.
REAL = b"local clock = call('TIME')"
HELD = b"local clock = {ARGV[3], ARGV[4]}"
EXPIRIES = [b"'PX', px)", b"call('PEXPIRE', key, px)"]
ON_A_HELD_CLOCK = script.SCRIPT.replace(REAL, HELD)
# Where a test removes keys by the clock that it holds, they live longer by the server's own.
LASTS, SLOWER, FAR = b"format('%d', lasts", 1000, 10**15  # milliseconds
LASTING = ON_A_HELD_CLOCK.replace(LASTS, LASTS + b" * %d" % SLOWER)
for expiry in EXPIRIES:
    ON_A_HELD_CLOCK = ON_A_HELD_CLOCK.replace(expiry, expiry.replace(b"px", b"3600000"))

_numbers = itertools.count()


def test_the_clock_that_tests_hold_is_the_only_one() -> None:
    assert script.SCRIPT.count(REAL) == script.SCRIPT.count(b"TIME'") == 1
    assert [script.SCRIPT.count(expiry) for expiry in [*EXPIRIES, LASTS]] == [1, 1, 1]


@dataclass(frozen=True)
class Check:
    key: str
    requests: int
    window: int  # in the ticks of the clock
    coarse: bool = False

    @property
    def policy(self) -> bytes:
        return struct.pack(">II", self.requests + (self.coarse << 31), self.window)


@dataclass
class Definition:
    """A request is admitted if fewer than `requests` were within the window before it, for all."""

    logs: dict[str, list[int]] = field(default_factory=dict)

    def decide(self, checks: list[Check], now: int, *, asks: bool) -> tuple[bool, list[int]]:
        held = {one.key: self._held(one, now) for one in checks}
        admitted = all(len(held[one.key]) < one.requests for one in checks)
        if admitted and not asks:
            for one in checks:
                self.logs.setdefault(one.key, []).append(now)
                held[one.key].append(now)
        return admitted, [max(one.requests - len(held[one.key]), 0) for one in checks]

    def _held(self, one: Check, now: int) -> list[int]:
        return [at for at in self.logs.get(one.key, []) if now - at <= one.window]


class Memory:
    """Windows in the process's memory, on a clock that the test holds."""

    def __init__(self) -> None:
        self.now = CLOCKS[0]
        self._windows = memory.Windows(lambda: self.now)

    def decide(self, keys: list[bytes], shapes: bytes, policies: bytes) -> bytes:
        reply, start = b"", 0
        for shape in shapes:
            end = start + (shape & script.KEYS)
            reply += self._windows.decide(keys[start:end], policies[8 * start : 8 * end], shape)
            start = end
        return reply

    def exists(self, key: str) -> bool:
        return key.encode() in self._windows._logs._logs  # noqa: SLF001 - nothing else shows it


Server = redis.Redis | Memory
# What is in a key only Redis can say.
on_redis = pytest.mark.parametrize("server", ["6.2", "7.0"], indirect=True)


@pytest.fixture(scope="module", params=["6.2", "7.0", "memory"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of the plan's version, of the one that an upgrade leads to, and none."""
    if request.param == "memory":
        yield Memory()
        return
    with NodeContext(tmp_path_factory.mktemp("script")) as node_context:
        group = Group(GroupSpec("script", obtain("redis", request.param), replicas=0), node_context)
        client = to_node(group.node("script-001").at[0], 6379, ca_file=str(node_context.ca_file))
        client.connection_pool.connection_kwargs["decode_responses"] = False
        client.connection_pool.disconnect()
        client.connection_pool.reset()
        yield client
        group.stop()


def decide(
    server: Server,
    decisions: list[tuple[list[Check], bool]],
    now: int | None = None,
    *,
    lasting: bool = False,
) -> list[tuple[bool, list[int], list[int]]]:
    """Admitted, remaining and ticks until there is more, for each decision.

    `now` is in ticks, of which a second has a million, or a thousand when the first limit says so.
    `lasting` keys have the script's own time to live, SLOWER times.
    """
    second = 1000 if decisions[0][0][0].coarse else 1_000_000
    where = [one.key.encode() for checks, _ in decisions for one in checks]
    shapes = bytes(script.shape(len(checks), asks=asks) for checks, asks in decisions)
    policies = b"".join(one.policy for checks, _ in decisions for one in checks)
    if isinstance(server, Memory):
        assert now is not None
        server.now = now * 1_000_000 // second
        return _decisions(decisions, server.decide(where, shapes, policies), second)
    source = script.SCRIPT
    clock: tuple[int, ...] = ()
    if now is not None:
        clock = (now // second, now % second * 1_000_000 // second)
        source = LASTING if lasting else ON_A_HELD_CLOCK
    reply = server.execute_command(  # type: ignore[no-untyped-call]
        "EVAL", source, len(where), *where, shapes, policies, *clock
    )
    return _decisions(decisions, reply, second)


def _decisions(
    decisions: list[tuple[list[Check], bool]], reply: bytes, second: int
) -> list[tuple[bool, list[int], list[int]]]:
    outcomes, start = [], 0
    for checks, _ in decisions:
        form = script.reply_of(len(checks))
        admitted, *figures = form.unpack_from(reply, start)
        ticks = [round(seconds * second) for seconds in figures[1::2]]
        outcomes.append((bool(admitted), figures[::2], ticks))
        start += form.size
    assert start == len(reply)
    return outcomes


def fresh(requests: int, window: int, *, coarse: bool = False) -> Check:
    return Check(f"key-{next(_numbers)}", requests, window, coarse)


steps = st.lists(
    st.tuples(
        st.integers(0, 120),  # ticks since the step before
        st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),  # which keys
        st.booleans(),  # only asks
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.plan("5.5")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps,
    st.lists(
        st.tuples(st.sampled_from([1, 2, 5, 1001]), st.integers(1, 300)), min_size=3, max_size=3
    ),
    st.sampled_from(CLOCKS),
    st.booleans(),
)
def test_every_decision_is_the_definitions(
    server: Server,
    steps: list[tuple[int, list[int], bool]],
    limits: list[tuple[int, int]],
    start: int,
    coarse: bool,
) -> None:
    checks = [fresh(requests, window, coarse=coarse) for requests, window in limits]
    definition, now = Definition(), start
    for wait, chosen, asks in steps:
        now += wait
        decision = [checks[number] for number in chosen]
        # Two of one command, which see each other and count their own keys.
        both = [(decision, asks), (decision[:1], False)]
        for one, (admitted, remaining, _) in zip(both, decide(server, both, now), strict=True):
            assert (admitted, remaining) == definition.decide(one[0], now, asks=one[1])


@pytest.mark.plan("5.5")
@pytest.mark.parametrize("requests", [1, 7, 120, 1000, 1001, 1500])
@pytest.mark.parametrize("start", CLOCKS)
@pytest.mark.parametrize("coarse", [False, True], ids=["us", "ms"])
def test_a_denial_ends_at_its_reset_and_not_a_tick_before(
    server: Server, requests: int, start: int, coarse: bool
) -> None:
    check = fresh(requests, 5000, coarse=coarse)
    for number in range(requests):
        ((admitted, (left,), _),) = decide(server, [([check], False)], start + number)
        assert (admitted, left) == (True, requests - number - 1)
    now = start + requests
    ((admitted, _, (reset,)),) = decide(server, [([check], False)], now)
    assert not admitted
    assert decide(server, [([check], True)], now + reset - 1)[0][0] is False
    assert decide(server, [([check], False)], now + reset)[0][0] is True
    # Exactly one has left the window.
    assert decide(server, [([check], False)], now + reset)[0][0] is False


@pytest.mark.plan("5.5")
@pytest.mark.parametrize(
    ("requests", "seconds"), [(1001, 60), (1500, 1), (1001, 1800), (1200, 1_209_600), (7, 1800)]
)
@pytest.mark.parametrize("alternately", [0, 300], ids=["", "two limits"])
@on_redis
def test_over_many_cycles_of_the_clock_every_decision_is_the_definitions(
    server: redis.Redis, requests: int, seconds: int, alternately: int
) -> None:
    """Slow requests keep the key; their times pass the clock's 32 bits again and again."""
    coarse, lives = script.is_coarse(seconds), seconds * 1000
    second = 1000 if coarse else 1_000_000
    check = fresh(requests, seconds * second, coarse=coarse)
    limits = [check, Check(check.key, requests + alternately, check.window, coarse)]
    definition, now, ends = Definition(), CLOCKS[1], 0
    choose = random.Random(requests + seconds)  # noqa: S311 - when requests come, no secret
    for step in range(400):
        # Mostly a few of the window at a time; now and then a flood, and a pause.
        now += choose.choice(
            [seconds * second // 9, seconds * second, 11, seconds * second * 9 // 8]
        )
        if now > ends:
            server.delete(check.key)
        else:
            server.pexpire(check.key, FAR)
        one = limits[step % 2]
        times = requests + 1 if step % 100 == 99 else 4
        for admitted, remaining, _ in decide(server, [([one], False)] * times, now, lasting=True):
            assert (admitted, remaining) == definition.decide([one], now, asks=False)
        if (left := -(-server.pttl(check.key) // SLOWER)) <= 2 * lives:
            ends = now + left * second // 1000
            assert left >= lives
        del definition.logs[check.key][: -requests - alternately - 1]


def test_a_limit_that_was_lowered_says_when_the_new_one_admits(server: Server) -> None:
    before = fresh(5, 1000)
    for number in range(5):
        decide(server, [([before], False)], CLOCKS[0] + 100 * number)
    lowered = Check(before.key, 2, 1000)
    ((admitted, remaining, wait),) = decide(server, [([lowered], False)], CLOCKS[0] + 400)
    # The fourth of five must leave before fewer than two are there.
    assert (admitted, remaining, wait) == (False, [0], [901])
    assert decide(server, [([lowered], True)], CLOCKS[0] + 400 + 900)[0][0] is False
    assert decide(server, [([lowered], True)], CLOCKS[0] + 400 + 901)[0][0] is True


@pytest.mark.parametrize("coarse", [False, True])
def test_a_limit_of_no_requests_only_clears_its_key(server: Server, coarse: bool) -> None:
    full, beside = fresh(3, 1000, coarse=coarse), fresh(2, 1000, coarse=coarse)
    decide(server, [([full], False)] * 4, CLOCKS[0])
    clears = Check(full.key, 0, 1000, coarse)
    assert decide(server, [([clears, beside], False)], CLOCKS[0]) == [(True, [0, 1], [0, 1000])]
    assert not server.exists(full.key)
    assert decide(server, [([full], False)], CLOCKS[0])[0][:2] == (True, [2])


@pytest.mark.plan("5.5")
@pytest.mark.parametrize("requests", [5, 1001])
def test_a_clock_that_jumps_back_admits_no_request_twice(server: Server, requests: int) -> None:
    check, now = fresh(requests, 1000), CLOCKS[0]
    decide(server, [([check], False)] * requests, now)
    for behind in (1, 400, 900):
        ((admitted, _, (reset,)),) = decide(server, [([check], False)], now - behind)
        assert not admitted
        assert reset == 1001 + behind
    assert decide(server, [([check], False)], now + 1001)[0][0]


@pytest.mark.plan("5.5")
@on_redis
def test_a_log_stays_in_order_while_the_clock_is_behind(server: redis.Redis) -> None:
    check, now = fresh(3, 1000), CLOCKS[0]
    for behind in (0, 500):
        decide(server, [([check], False)], now - behind)
    assert server.get(check.key) == 2 * struct.pack(">I", now % CYCLE)


@pytest.mark.parametrize("requests", [5, 1001])
@on_redis
def test_what_another_program_wrote_is_overwritten(server: redis.Redis, requests: int) -> None:
    for spoil in (
        lambda key: server.rpush(key, "list"),
        lambda key: server.set(key, "five!"),
        lambda key: server.hset(key, "a", "b"),
    ):
        check, beside = fresh(requests, 1000), fresh(1, 1000)
        spoil(check.key)
        outcomes = decide(server, [([check], False), ([beside], False)], CLOCKS[0])
        assert [admitted for admitted, *_ in outcomes] == [True, True]
        assert server.get(check.key) == struct.pack(">I", CLOCKS[0] % CYCLE)


@pytest.mark.parametrize("requests", [120, 1500])
@pytest.mark.parametrize("coarse", [False, True], ids=["us", "ms"])
@on_redis
def test_a_key_outlives_the_window_of_each_request_by_an_eighth_at_most(
    server: redis.Redis, requests: int, coarse: bool
) -> None:
    window = 80  # milliseconds
    check = fresh(requests, window if coarse else window * 1000, coarse=coarse)
    choose = random.Random(requests)  # noqa: S311 - when requests come, no secret
    renewed, before, first = 0, 0.0, time.monotonic()
    for _ in range(60):
        began = time.monotonic()
        assert decide(server, [([check], False)])[0][0]
        left = server.pttl(check.key)
        passed = 1000 * (time.monotonic() - began)
        assert window - passed <= left <= window * 9 / 8 + 1
        renewed += left > before
        before = left
        time.sleep(choose.uniform(0, 0.006))
    # A write leaves it as it is while an eighth of the window has not passed; Redis counts whole
    # milliseconds.
    assert renewed <= 1 + 1000 * (time.monotonic() - first) / (window / 8 - 1)


@pytest.mark.plan("5.5")
def test_windows_up_to_half_an_hour_are_kept_in_microseconds_and_longer_ones_apart() -> None:
    assert script.policy(5, 1800) == struct.pack(">II", 5, 1_800_000_000)
    assert script.policy(5, 1801) == struct.pack(">II", 5 + (1 << 31), 1_801_000)
    fine, coarse = (keys.stem("rl", RateLimitItem("mfa", 5, each), "user") for each in (1800, 1801))
    assert (fine, coarse) == ("{rl}:mfa:user:", "{rl}:mfa.ms:user:")


@pytest.mark.parametrize(
    ("requests", "many", "longest"),
    # A long log is cut before it has twice its length.
    [(5, 1, range(4 * 5 + 1)), (1001, 100, range(4 * 1001 + 1, 8 * 1001 + 5))],
)
@on_redis
def test_a_log_is_bounded(server: redis.Redis, requests: int, many: int, longest: range) -> None:
    check, lengths = fresh(requests, 10), []
    for number in range(40):
        decide(server, [([check], False)] * many, CLOCKS[0] + (11 if many > 1 else 3) * number)
        lengths.append(server.strlen(check.key))
    assert max(lengths) in longest


@pytest.mark.plan("5.5")
@on_redis
def test_on_the_servers_own_clock_no_window_holds_more_than_the_limit(server: redis.Redis) -> None:
    check, stamps = fresh(5, 100_000), list[int]()
    choose = random.Random(5)  # noqa: S311 - how many come at once, no secret
    denied = 0
    while len(stamps) < 50 or denied < 10:
        many = choose.choice((1, 2, 20))
        outcomes = decide(server, [([check], False)] * many)
        admitted = sum(one for one, *_ in outcomes)
        denied += many - admitted
        log = server.get(check.key)
        if not isinstance(log, bytes):
            continue  # it has expired meanwhile, on a busy machine
        stamps += struct.unpack(f">{admitted}I", log[len(log) - 4 * admitted :])
    for first, sixth in zip(stamps, stamps[5:], strict=False):
        assert (sixth - first) % CYCLE > 100_000
