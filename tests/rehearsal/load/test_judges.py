"""Each of the five lines passes on a sound run, and fails alone on what it is there for."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rehearsal.load.judges import judge_all, table
from rehearsal.load.outcome import Holding, Loss, Outcome
from rehearsal.load.plan import Answer
from tests.rehearsal.load import seeded
from tests.rehearsal.load.seeded import FixedWindow

SOUND = seeded.outcome()
DENIED = next(one for one in SOUND.answers if one.denied)
MFA = next(one for one in SOUND.answers if one.tier == "mfa" and one.admitted)
FEW = replace(SOUND, answers=[one for one in SOUND.answers if one.tier != "mfa" or one is MFA])
NEVER_BEHIND, FAR_BEHIND = None, seeded.PRIMARY_LOST - 0.6


def failing(outcome: Outcome) -> set[int]:
    return {verdict.number for verdict in judge_all(outcome) if not verdict.passed}


def changed(change: Callable[[Answer], Answer | None]) -> Outcome:
    """The sound run with other answers; None leaves one as it was."""
    return replace(SOUND, answers=sorted(change(one) or one for one in SOUND.answers))


def instead(of: Answer, **fields: object) -> Outcome:
    return changed(lambda one: one._replace(**fields) if one is of else None)  # type: ignore[arg-type]


def by_fallback(begin: float, end: float = 99, instance: int | None = None) -> Outcome:
    """The fallback decided what was sent then, of one instance or of all."""

    def change(one: Answer) -> Answer | None:
        here = begin < one.sent < end and instance in (None, one.instance)
        return one._replace(source="fallback") if here else None

    return changed(change)


def without(loss: Loss, gone: Answer) -> Loss:
    """The same loss, but one admission less is held for its user."""
    user, _ = gone.keys
    times = [at for at in loss.holding.times[user] if not gone.sent <= at <= gone.received]
    assert len(times) == len(loss.holding.times[user]) - 1
    return replace(loss, holding=replace(loss.holding, times={**loss.holding.times, user: times}))


def last_admitted(before: float) -> Answer:
    return max(one for one in SOUND.answers if one.admitted and one.received < before)


def primary(**fields: object) -> Outcome:
    return replace(SOUND, primary=replace(SOUND.primary, **fields))  # type: ignore[arg-type]


def answered_after(seconds: float, *, others: float = 0.0) -> Outcome:
    """The sound run with this response of the application, and so many cores used by others."""
    slow = changed(lambda one: one._replace(answered=one.sent + seconds))
    busy = [replace(one, others=others) for one in SOUND.samples]
    return replace(slow, samples=busy)


def lost_on_its_way() -> Outcome:
    gone = last_admitted(before=seeded.PRIMARY_LOST)
    loss = replace(without(SOUND.primary, gone), replicated_until=gone.received - 0.001)
    return replace(SOUND, primary=loss)


def one_let_in() -> Outcome:
    (place, one), *_ = ((n, o) for n, o in enumerate(SOUND.asked) if o.key.value == "late-auth")
    assert not one.allowed
    asked = [*SOUND.asked[:place], replace(one, allowed=True), *SOUND.asked[place + 1 :]]
    return replace(SOUND, asked=asked)


ORDINARY = next(one for one in SOUND.answers if one.user == "user-70" and one.admitted)
PEAK_BEGINS, SLOW_AT_PEAK = SOUND.plan.all_there, {*SOUND.peak[: len(SOUND.peak) // 50]}
EMPTY, EARLY = Holding(9.03, {}), replace(SOUND.replica, gone=0.0)
CASES: list[tuple[str, Outcome, set[int]]] = [
    ("a sound run", SOUND, set()),
    (
        "a connection that is missing once",
        replace(SOUND, samples=[*SOUND.samples[:8], replace(SOUND.samples[8], connections=99)]),
        {1},
    ),
    ("no look at the connections", replace(SOUND, samples=[]), {1}),
    ("users that ask too rarely", replace(SOUND, plan=replace(SOUND.plan, think=0.1)), {1}),
    *((f"status {code}", instead(DENIED, status=code), {1}) for code in (0, 404, 500, 503)),
    ("a denial by the fallback", instead(DENIED, status=503, source="fallback"), set()),
    ("a fixed window", seeded.outcome(FixedWindow), {2}),
    ("no limiter", changed(lambda o: o._replace(status=200, source="disabled")), {2, 4, 5}),
    ("a denial with room left", instead(ORDINARY, status=429), {2}),
    ("a tier that nobody wanted more of", FEW, {2, 5}),
    ("25 ms of a quiet machine", answered_after(0.0249), set()),
    ("more than 25 ms of a quiet machine", answered_after(0.025), {3}),
    ("50 ms of a busy machine", answered_after(0.0499, others=1.0), set()),
    ("more than 50 ms", answered_after(0.05, others=1.0), {3}),
    (
        "decisions beyond their deadline",
        changed(lambda one: one._replace(limited=0.3) if one in SLOW_AT_PEAK else None),
        {3},
    ),
    (
        "a slow start before all users are there",
        changed(lambda o: o._replace(answered=o.sent + 1) if o.sent < PEAK_BEGINS else None),
        set(),
    ),
    (
        "a count that goes with a replica",
        replace(SOUND, replica=without(SOUND.replica, last_admitted(seeded.REPLICA_LOST))),
        {4},
    ),
    (
        "a lost count that had reached a replica",
        replace(SOUND, primary=without(SOUND.primary, last_admitted(seeded.PRIMARY_LOST - 0.01))),
        {4},
    ),
    ("a count that was on its way to the replica", lost_on_its_way(), set()),
    ("an empty node", primary(holding=EMPTY), {4}),
    ("a loss before any admission", replace(SOUND, replica=EARLY), {4}),
    ("one at the limit who would be admitted", one_let_in(), {5}),
    (
        "a memory of denials",
        replace(SOUND, asked=[replace(one, source="memory") for one in SOUND.asked]),
        {5},
    ),
    (
        "decisions that come back late",
        by_fallback(seeded.PRIMARY_LOST, seeded.PROMOTED + 1, instance=1),
        {5},
    ),
    *((f"a node that comes back as {role}", primary(rejoined_as=role), {5}) for role in ("", "x")),
]


@pytest.mark.parametrize(
    ("outcome", "lines"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_it_fails_these_lines_and_no_other(outcome: Outcome, lines: set[int]) -> None:
    assert failing(outcome) == lines


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (by_fallback(12), 2),  # while Redis is there
        (primary(replicated_until=NEVER_BEHIND), 4),
        (primary(replicated_until=FAR_BEHIND), 4),
        (by_fallback(seeded.PRIMARY_LOST, instance=1), 5),  # it never asks Redis again
    ],
)
def test_it_fails_this_line_among_others(outcome: Outcome, line: int) -> None:
    assert line in failing(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        replace(SOUND, samples=[]),
        replace(SOUND, plan=replace(SOUND.plan, think=0.1)),
        answered_after(0.06),
        by_fallback(12),
        replace(SOUND, answers=[one for one in SOUND.answers if one.tier != "mfa"]),
        primary(replicated_until=NEVER_BEHIND),
    ],
)
def test_what_a_busy_machine_causes_is_no_fault(outcome: Outcome) -> None:
    assert failing(outcome)
    assert [verdict.faults for verdict in judge_all(outcome)] == [[]] * 5


def test_what_the_generator_is_late_by_is_told_apart_from_the_response() -> None:
    line = judge_all(changed(lambda one: one._replace(received=one.received + 1, late=0.5)))[2]
    assert line.passed
    for told in (
        "of which the limiter: mean 0.5,",
        "as the users saw it: mean 1002.0,",
        "generator (0.10 cores, the measuring 0.00): sent late by: mean 500.0,",
        "generator: read answers late by: mean 1000.2,",
    ):
        assert told in line.measured


def test_the_table_has_a_line_each_with_why_it_fails() -> None:
    rows = table(judge_all(seeded.outcome(FixedWindow))).splitlines()
    titles = [row.split()[1:3] for row in rows if row[2] in "✓✗"]
    assert titles == [["1", "pass"], ["2", "FAIL"], ["3", "pass"], ["4", "pass"], ["5", "pass"]]
    assert any(row.startswith("      ! general: ") and " admitted in 3 s" in row for row in rows)
