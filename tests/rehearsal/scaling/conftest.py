"""One environment in cluster mode a module, deployed by the CDK command line."""

from collections.abc import Iterator

import pytest

from rehearsal.common import steps
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import started
from rehearsal.common.steps import DEPLOYED
from rehearsal.scaling import sharded


@pytest.fixture(scope="package")
def deployed_in_shards() -> Iterator[Rehearsal]:
    with started() as rehearsal:
        for step in (*(step for _, step in DEPLOYED[:2]), sharded.in_cluster_mode):
            step(rehearsal)
        for _, step in DEPLOYED[2:]:
            step(rehearsal)
        yield rehearsal
        steps.judge(rehearsal)
