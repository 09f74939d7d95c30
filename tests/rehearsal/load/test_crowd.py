"""The load is what the plan says, and asks more than any limit admits."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

import pytest

from rehearsal.load.plan import (
    BURSTS,
    LATE,
    OFFICE,
    SHORT,
    STEADY,
    Order,
    bursts,
    clients,
    full,
    late,
    rhythm,
    steady,
)
from rehearsal.load.programs import PATHS, production_tiers

FULL = full(production_tiers())


def until(end: float, times: Iterator[float]) -> Iterator[float]:
    return takewhile(lambda at: at < end, times)


@pytest.mark.plan("6.1")
def test_the_full_load_is_5000_users_who_ask_more_than_900_times_a_second() -> None:
    assert FULL.users == 5000
    assert FULL.wanted_rate == 900
    assert FULL.users / FULL.think == 1000
    assert set(FULL.tiers) == set(PATHS)
    assert FULL.tiers["financial"] == (20, 60)


def test_whole_windows_lie_before_and_after_the_losses() -> None:
    assert FULL.replica_lost - FULL.all_there > FULL.window
    assert FULL.end - FULL.primary_lost - FULL.silence > FULL.window


def test_every_client_is_somebody_and_every_address_is_set_aside_for_tests() -> None:
    crowd = clients(FULL)
    assert [client.number for client in crowd] == list(range(5000))
    assert all(client.ip.startswith(("198.18.", "198.19.")) for client in crowd)
    assert len({client.user for client in crowd if client.tier is None}) == 4940


def test_those_that_share_a_limit_are_connected_to_different_instances() -> None:
    for plan in (FULL, SHORT):
        for kind in ("user", "ip"):
            numbers = defaultdict[str, list[int]](list)
            for client in clients(plan):
                numbers[getattr(client, kind)].append(client.number)
            for those in numbers.values():
                instances = {number % plan.instances for number in those}
                assert len(instances) == min(len(those), plan.instances)


def test_too_few_users_for_the_greedy_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="60 are greedy alone"):
        clients(replace(SHORT, users=59))


@pytest.mark.parametrize("habit", [STEADY, OFFICE])
def test_the_steady_ask_for_four_times_the_limit(habit: str) -> None:
    for tier, (requests, seconds) in FULL.tiers.items():
        group = [one for one in clients(FULL) if one.tier == tier and one.habit == habit]
        asked = [at for one in group for at in until(10 * seconds, steady(one, FULL))]
        assert 35 < len(asked) / requests < 45


def test_the_late_ask_for_more_than_the_limit_before_and_behind_a_windows_end() -> None:
    for tier, (requests, seconds) in FULL.tiers.items():
        group = [one for one in clients(FULL) if one.tier == tier and one.habit == LATE]
        times = sorted(at for one in group for at in until(FULL.end, late(one, FULL)))
        lost = FULL.primary_lost
        before = [at for at in times if lost - 0.1 * seconds < at < lost]
        behind = [at for at in times if lost < at < lost + 0.3 * seconds]
        assert len(before) >= 1.2 * requests
        assert len(behind) >= 1.2 * requests
        assert times[0] <= before[0] - 0.8 * seconds


def test_two_who_burst_do_so_together() -> None:
    one, other = [one for one in clients(FULL) if one.tier == "auth" and one.habit == BURSTS]
    times, others = bursts(one, FULL), bursts(other, FULL)
    assert [next(times) for _ in range(50)] == [next(others) for _ in range(50)]


def test_an_ordinary_user_thinks_after_each_answer() -> None:
    user = clients(FULL)[-1]
    due = rhythm(user, FULL)
    thought = [due(100.0) - 100.0 for _ in range(1000)]
    assert 4 <= min(thought) < max(thought) <= 6
    assert 4.9 < sum(thought) / 1000 < 5.1


def test_an_order_arrives_as_it_was_given() -> None:
    order = Order(SHORT, 1.5, ["http://127.0.0.1:1"], PATHS, "records")
    assert Order.of(order.text()) == order
