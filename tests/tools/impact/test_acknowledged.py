"""An acknowledgement covers the one change that it was written for, and no other."""

import pytest

from tests.support import Stacks
from tests.tools.review.test_data import setting
from tests.tools.review.world import GROUP, Change, World
from tools.review.acknowledged import Acknowledgement, parse
from tools.review.errors import ReviewError
from tools.review.verdict import Review, judge

LARGER = setting(GROUP, "CacheNodeType", "cache.m6g.large")
LARGEST = setting(GROUP, "CacheNodeType", "cache.r6g.large")
REASON = "Twice the memory before the sale; writes stop for seconds."


def judged(
    before: Stacks,
    change: Change,
    entries: list[Acknowledgement],
    spent: list[Acknowledgement] | None,
) -> Review:
    head = World(before)
    change(head)
    return judge("production", ("base", before), ("head", head.stacks), entries, spent)


def entry_for(before: Stacks, change: Change, reason: str = REASON) -> Acknowledgement:
    (finding,) = judged(before, change, [], []).open
    return Acknowledgement(
        environment="production",
        stack=finding.stack,
        resource=finding.resource,
        what=finding.what,
        difference=finding.difference,
        reason=reason,
    )


def test_what_is_acknowledged_by_name_with_a_reason_passes(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER)
    review = judged(production_stacks, LARGER, [entry], [])
    assert review.passes
    assert list(review.answered.covered.values()) == [entry]


def test_one_that_an_earlier_change_brought_covers_nothing(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER)
    review = judged(production_stacks, LARGER, [entry], [entry])
    assert not review.passes
    assert review.open


def test_the_same_change_made_again_needs_words_of_its_own(production_stacks: Stacks) -> None:
    old = entry_for(production_stacks, LARGER)
    twice = judged(production_stacks, LARGER, [old, old], [old])
    assert not twice.passes
    assert "Write a new reason" in twice.answered.problems[0]
    new = entry_for(production_stacks, LARGER, "And once more, since the sale goes on.")
    assert judged(production_stacks, LARGER, [old, new], [old]).passes


def test_one_for_another_difference_covers_nothing_and_is_refused(
    production_stacks: Stacks,
) -> None:
    entry = entry_for(production_stacks, LARGER)
    review = judged(production_stacks, LARGEST, [entry], [])
    assert not review.passes
    assert "is for another difference" in review.answered.problems[0]


def test_one_that_is_not_needed_is_refused(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER)
    review = judged(production_stacks, lambda _world: None, [entry], [])
    assert not review.passes
    assert "Take the entry out" in review.answered.problems[0]


def test_one_that_is_spent_is_in_nobodys_way(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER)
    assert judged(production_stacks, lambda _world: None, [entry], [entry]).passes
    assert judged(production_stacks, lambda _world: None, [], [entry]).passes


def test_one_for_another_environment_covers_nothing_here(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER).model_copy(update={"environment": "staging"})
    assert not judged(production_stacks, LARGER, [entry], []).passes
    assert judged(production_stacks, lambda _world: None, [entry], []).passes


@pytest.mark.parametrize("other", ["stack", "resource", "what"])
def test_one_that_names_anything_else_covers_nothing(production_stacks: Stacks, other: str) -> None:
    named = {"stack": "x", "resource": "x", "what": "delete"}
    entry = entry_for(production_stacks, LARGER)
    entry = Acknowledgement.model_validate({**entry.model_dump(), other: named[other]})
    review = judged(production_stacks, LARGER, [entry], [])
    assert review.open
    assert review.answered.problems


def test_one_covers_only_what_it_names_of_a_change_that_does_more(
    production_stacks: Stacks,
) -> None:
    entry = entry_for(production_stacks, LARGER)

    def both(world: World) -> None:
        LARGER(world)
        world.of(GROUP)["MultiAZEnabled"] = False

    review = judged(production_stacks, both, [entry], [])
    assert [one.what.value for one in review.open] == ["weaken"]


def test_a_second_cause_for_the_same_thing_makes_it_another_difference(
    production_stacks: Stacks,
) -> None:
    entry = entry_for(production_stacks, LARGER)

    def both(world: World) -> None:
        LARGER(world)
        world.of(GROUP)["EngineVersion"] = "7.1"

    assert judged(production_stacks, both, [entry], []).open


def test_against_what_is_deployed_one_counts_by_its_difference(production_stacks: Stacks) -> None:
    entry = entry_for(production_stacks, LARGER)
    assert judged(production_stacks, LARGER, [entry], None).passes
    assert not judged(production_stacks, LARGEST, [entry], None).passes
    assert judged(production_stacks, lambda _world: None, [entry], None).passes


GOOD = f"""
[[acknowledged]]
environment = "production"
stack = "s"
resource = "r"
what = "delete"
difference = "0123456789ab"
reason = "{REASON}"
"""


def test_a_file_is_read() -> None:
    (entry,) = parse(GOOD)
    assert entry.name == ("s", "r", "delete")
    assert parse("") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[acknowledged]", "is not TOML"),
        ("[[ack]]\na = 1", "unknown key"),
        ("[acknowledged]\na = 1", "is one table"),
        (GOOD.replace('reason = "', 'why = "'), "entry 1"),
        (GOOD.replace(REASON, "needed"), "entry 1: reason"),
        (GOOD.replace("delete", "destroy"), "Write one of replace, delete, interrupt"),
        (GOOD.replace("0123456789ab", "x"), "entry 1: difference"),
        (GOOD + GOOD.replace('stack = "s"\n', ""), "entry 2: stack: field required. Add it."),
        (GOOD + 'who = "me"', "The keys are environment, stack"),
    ],
)
def test_a_mistake_gets_one_message_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ReviewError) as failure:
        parse(text)
    assert str(failure.value).startswith("docs/acknowledged.toml: ")
    assert says in str(failure.value)
    assert "\n" not in str(failure.value)
