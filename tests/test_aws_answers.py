"""No field that one of AWS's samples lacks ends a reader of ElastiCache's answers in a crash."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name

from environments.schema import Settings
from health.cache import check_group
from recovery.restore import leftovers, look, remove
from reviews.series import nodes
from reviews.updates import open_updates, running
from shared.errors import StoppedError
from shared.group import Group
from tests.aws_samples import answers
from tests.emulator import sampled
from tests.lambda_health.world import DESIRED
from tests.lambda_recovery.example import RUN, SETTINGS
from tools import apply_updates, deploy_guard
from tools.command import Answer
from tools.restore.__main__ import publish

NOW = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
GROUPS = [
    *answers("DescribeReplicationGroups")[0]["ReplicationGroups"],
    *(
        answer["ReplicationGroup"]
        for operation in ("Create", "Modify", "Delete")
        for answer in answers(f"{operation}ReplicationGroup")
    ),
    *(
        answer["ReplicationGroups"][0] | {"Status": sample["situation"]}
        for sample, answer in sampled.whole("elasticache:DescribeReplicationGroups")
    ),
]
MEMBERS = [
    *(node for answer in answers("DescribeCacheClusters") for node in answer["CacheClusters"]),
    *(
        answer["CacheClusters"][0] | {"EngineVersion": "6.2.6"}
        for _, answer in sampled.whole("elasticache:DescribeCacheClusters")
    ),
]
# botocore has no sample of this answer; the names are those of its model.
UPDATE = {"ServiceUpdateName": "elc-20261130-001", "UpdateActionStatus": "stopped"}


class Client:
    """Answers everything with AWS's samples, and with this group and member."""

    exceptions = SimpleNamespace(ReplicationGroupNotFoundFault=KeyError)

    def __init__(self, group: dict[str, Any], member: dict[str, Any]) -> None:
        self._answers = {
            "DescribeReplicationGroups": {"ReplicationGroups": [group]},
            "DescribeCacheClusters": {"CacheClusters": [member]},
            "DescribeUpdateActions": {"UpdateActions": [UPDATE]},
            "DescribeServiceUpdates": {"ServiceUpdates": [{"ServiceUpdateName": "another"}]},
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        by_name = {xform_name(each): answer for each, answer in self._answers.items()}
        return lambda **_: by_name.get(name, {})

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **which: [getattr(self, name)(**which)])


def _updates(client: Client) -> object:
    found = apply_updates.pending(client, "g")
    return [apply_updates.apply(client, "g", update) for update in found]


def _addresses(client: Client) -> object:
    (group,) = client.describe_replication_groups()["ReplicationGroups"]
    return publish(None, (), "/path", group)


READERS: dict[str, Callable[[Any], object]] = {
    "health": lambda client: list(check_group(client, DESIRED)),
    "recovery's look": lambda client: look(client, SETTINGS, RUN, NOW),
    "recovery's leftovers": lambda client: leftovers(client, SETTINGS, NOW),
    "recovery's removal": lambda client: remove(client, RUN, 0),
    "the rotation's group": lambda client: Group(client, "g").describe(),
    "the reviews' nodes": lambda client: nodes(client, "g"),
    "the reviews' versions": lambda client: running(client, "g"),
    "the reviews' updates": lambda client: open_updates(client, "g"),
    "apply-updates": _updates,
    "restore's addresses": _addresses,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group['Status']}")
def test_a_reader_of_a_group_takes_what_aws_leaves_out(reader: str, group: dict[str, Any]) -> None:
    for member, throw_away in itertools.product(MEMBERS, (False, True)):
        given = {"ReplicationGroupId": RUN.group_id, "Description": RUN.description}
        client = Client(group | (given if throw_away else {}), member)
        try:
            READERS[reader](client)
        except (StoppedError, Answer):
            continue


@pytest.mark.parametrize("member", MEMBERS)
def test_the_engine_that_runs_is_read_from_any_sample(
    member: dict[str, Any], production: Settings
) -> None:
    unknown = member | {"EngineVersion": "99.1.2"}
    del unknown["CacheParameterGroup"]
    found = deploy_guard.running(production, Client({"MemberClusters": ["a"]}, unknown))
    assert found is not None
    assert found.version == "99.1"
