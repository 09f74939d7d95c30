"""An acknowledgement covers the one change that it was written for, and no other."""

from typing import Any

import pytest

from tests.support import Stacks
from tests.tools.impact.test_asks import setting
from tests.tools.impact.world import GROUP, SECRET, Change, World, entry_for, judged
from tools.command import Answer
from tools.impact.acknowledged import Acknowledgement, parse

LARGER = setting(GROUP, "CacheNodeType", "cache.m6g.large")
LARGEST = setting(GROUP, "CacheNodeType", "cache.r6g.large")
REASON = "Twice the memory before the sale; writes stop for seconds."


def nothing(_world: World) -> None:
    """No change."""


def larger_and_upgraded(world: World) -> None:
    LARGER(world)
    world.of(GROUP)["EngineVersion"] = "7.1"


def larger_and_another_token(world: World) -> None:
    LARGER(world)
    world.of(SECRET)["GenerateSecretString"]["PasswordLength"] = 32


@pytest.fixture
def entry(production_stacks: Stacks) -> Acknowledgement:
    (asked,) = judged(production_stacks, LARGER).open
    return entry_for(asked, REASON)


def of(entry: Acknowledgement, **others: Any) -> Acknowledgement:
    return Acknowledgement.model_validate({**entry.model_dump(), **others})


NEW = {"reason": "And once more, since the sale goes on."}


@pytest.mark.parametrize(
    ("change", "entries", "spent", "passes", "problem"),
    [
        (LARGER, [{}], [], True, ""),
        (LARGER, [{}], [{}], False, ""),  # an earlier change brought it
        (LARGER, [{}, {}], [{}], False, "Write a new reason"),
        (LARGER, [{}, NEW], [{}], True, ""),
        (LARGER, [{}, NEW], [], False, "is acknowledged twice"),
        (LARGEST, [{}], [], False, "is for another difference"),
        (larger_and_upgraded, [{}], [], False, "is for another difference"),
        (larger_and_another_token, [{}], [], False, ""),
        (nothing, [{}], [], False, "Take the entry out"),
        (nothing, [{}], [{}], True, ""),
        (nothing, [], [{}], True, ""),
        (LARGER, [{"environment": "staging"}], [], False, ""),
        (nothing, [{"environment": "staging"}], [], True, ""),
        (LARGER, [{"stack": "x"}], [], False, "Take the entry out"),
        (LARGER, [{"resource": "x"}], [], False, "Take the entry out"),
        (LARGER, [{"what": "remove"}], [], False, "Take the entry out"),
        # What is deployed has no file: an entry counts by its difference alone.
        (LARGER, [{}], None, True, ""),
        (LARGEST, [{}], None, False, ""),
        (nothing, [{}], None, True, ""),
    ],
)
def test_one_counts_for_the_change_that_adds_it_and_for_its_difference(
    production_stacks: Stacks,
    entry: Acknowledgement,
    change: Change,
    entries: list[dict[str, Any]],
    spent: list[dict[str, Any]] | None,
    passes: bool,
    problem: str,
) -> None:
    added = [of(entry, **one) for one in entries]
    before = None if spent is None else [of(entry, **one) for one in spent]
    impact = judged(production_stacks, change, entries=added, spent=before)
    assert impact.passes is passes
    assert problem in " ".join(impact.problems)
    assert bool(impact.problems) is bool(problem)


def test_what_is_impossible_in_place_is_not_acknowledged(production_stacks: Stacks) -> None:
    port = setting(GROUP, "Port", 1)
    (asked,) = [one for one in judged(production_stacks, port).open if one.impossible]
    impact = judged(production_stacks, port, entries=[entry_for(asked, REASON)])
    assert asked.key in [one.key for one in impact.open]


GOOD = f"""
[[acknowledged]]
environment = "production"
stack = "s"
resource = "r"
what = "remove"
difference = "0123456789ab"
reason = "{REASON}"
"""


def test_a_file_is_read() -> None:
    (entry,) = parse(GOOD)
    assert entry.key == ("s", "r", "remove")
    assert parse("") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[acknowledged]", "is not TOML"),
        ("[[ack]]\na = 1", "ack: extra inputs are not permitted"),
        ("[acknowledged]\na = 1", "acknowledged: input should be a valid list"),
        (GOOD.replace('reason = "', 'why = "'), "acknowledged.1.reason: field required"),
        (GOOD.replace(REASON, "needed"), "acknowledged.1.reason: string should have at least 20"),
        (GOOD.replace('"remove"', '"weaken"'), "what is one of remove, replace, change, add"),
        (GOOD.replace("0123456789ab", "x"), "acknowledged.1.difference"),
        (GOOD + GOOD.replace('stack = "s"\n', ""), "acknowledged.2.stack: field required"),
        (GOOD + 'who = "me"', "the keys environment, stack"),
    ],
)
def test_a_mistake_gets_one_message_with_its_place(text: str, says: str) -> None:
    with pytest.raises(Answer) as failure:
        parse(text)
    assert str(failure.value).startswith("docs/acknowledged.toml: ")
    assert says in str(failure.value)
    assert "\n" not in str(failure.value)
