"""Which groups the sweep may touch: never the one under test, nor anybody else's."""

from datetime import timedelta

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from recovery.restore import leftovers, remove, sweep
from recovery.settings import Run, is_throw_away
from shared.errors import AwsRefusedError
from tests.lambda_recovery.example import GROUP, NOW, RUN, SETTINGS, describing, group, stubbed

LONGEST = 26  # as the settings refuse a longer one
IDS = st.from_regex(r"[a-z](-?[a-z0-9]){0,25}", fullmatch=True).filter(
    lambda found: len(found) <= LONGEST
)


@given(source=IDS, description=st.text())
def test_the_group_under_test_is_never_one_to_throw_away(source: str, description: str) -> None:
    for said in (description, f"Recovery test of {source}: {description}"):
        assert not is_throw_away({"ReplicationGroupId": source, "Description": said}, source)


@given(source=IDS, other=IDS, description=st.text())
def test_a_group_of_another_name_or_description_is_never_one(
    source: str, other: str, description: str
) -> None:
    named = {"ReplicationGroupId": f"{source}-recovery-0000", "Description": description}
    if not description.startswith(f"Recovery test of {source}: "):
        assert not is_throw_away(named, source)
    described = {"ReplicationGroupId": other, "Description": f"Recovery test of {source}: x"}
    if not other.startswith(f"{source}-recovery-"):
        assert not is_throw_away(described, source)


@given(source=IDS, execution=st.text(min_size=1, max_size=80))
def test_a_tests_own_group_is_one_and_its_name_fits(source: str, execution: str) -> None:
    run = Run(source, execution, NOW)
    described = {"ReplicationGroupId": run.group_id, "Description": run.description}
    assert is_throw_away(described, source)
    assert run.owns(described)
    assert len(run.group_id) <= 40


def test_the_groups_of_two_environments_are_told_apart() -> None:
    # "vibewell-redis-recovery-…" could be an environment called recovery.
    theirs = Run("vibewell-redis-recovery-x", "monday", NOW)
    described = {"ReplicationGroupId": theirs.group_id, "Description": theirs.description}
    assert not is_throw_away(described, GROUP)


def test_only_old_ones_are_left_over() -> None:
    client, stubber = stubbed("elasticache")
    young = NOW - timedelta(seconds=10_800)
    listed = [
        group(GROUP, Description="Rate limiting"),
        group(f"{GROUP}-recovery-1111"),
        group(f"{GROUP}-recovery-2222", ReplicationGroupCreateTime=young),
        group(f"{GROUP}-recovery-mine", Description="An experiment"),
    ]
    stubber.add_response("describe_replication_groups", {"ReplicationGroups": listed}, {})
    found = leftovers(client, SETTINGS, NOW)
    assert [each["ReplicationGroupId"] for each in found] == [f"{GROUP}-recovery-1111"]


def test_one_that_cannot_be_deleted_does_not_keep_the_others() -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("delete_replication_group", "InvalidReplicationGroupState")
    _deleted(stubber, "b")
    problems = sweep(client, [group("a"), group("b"), group("c", Status="deleting")])
    busy = "DeleteReplicationGroup is not possible now: InvalidReplicationGroupState"
    assert problems == [f"a: {busy}"]
    stubber.assert_no_pending_responses()


def test_a_group_of_the_same_name_that_is_not_this_tests_is_left_alone() -> None:
    client, _ = describing(Description=f"Recovery test of {GROUP}: tuesday")
    assert remove(client, RUN, 0) == {"gone": True, "passes": 0}


def test_a_group_that_is_being_made_is_waited_for() -> None:
    client, _ = describing(Status="creating")
    assert remove(client, RUN, 3) == {"gone": False, "passes": 4}


def test_an_own_group_that_is_there_is_deleted_and_looked_for_again() -> None:
    client, stubber = describing()
    _deleted(stubber, RUN.group_id)
    assert remove(client, RUN, 0) == {"gone": False, "passes": 1}
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["ReplicationGroupNotFoundFault", "ReplicationGroupNotFound"])
def test_a_group_that_aws_does_not_know_is_gone(code: str) -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("describe_replication_groups", code)
    assert remove(client, RUN, 2) == {"gone": True, "passes": 2}


def test_a_group_that_aws_refuses_to_describe_is_not_taken_for_gone() -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("describe_replication_groups", "AccessDenied")
    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        remove(client, RUN, 0)


def _deleted(stubber: Stubber, name: str) -> None:
    expected = {"ReplicationGroupId": name, "RetainPrimaryCluster": False}
    stubber.add_response("delete_replication_group", {}, expected)
