import pytest

from emulator.nodes.group import Group
from rehearsal.security.__main__ import CHECKS
from rehearsal.security.target import Check, Outcome, perform
from tests.rehearsal.security.conftest import Attack, Start


@pytest.fixture(scope="module")
def needs_aws() -> set[str]:
    return {"only security groups are let in"}


@pytest.mark.plan("6.2")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_nothing_gets_through_to_a_group_as_it_should_be(
    check: Check, group: Group, aim: Attack, needs_aws: set[str]
) -> None:
    (line,) = perform([check], aim(group))
    due = Outcome.NOT_HERE if check.name in needs_aws else Outcome.PASS
    assert line.outcome is due, line.text


@pytest.fixture
def group(start: Start) -> Group:
    return start(replicas=1)
