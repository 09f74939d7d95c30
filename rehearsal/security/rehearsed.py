"""Production deployed on this machine, to be attacked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED
from rehearsal.security.target import Address, Target


@contextmanager
def deployed() -> Iterator[Target]:
    """Deploy, and end everything in the end. Raises RehearsalError."""
    rehearsal = Rehearsal()
    try:
        rehearsal.start()
        for _, step in DEPLOYED:
            step(rehearsal)
        yield target(rehearsal)
    finally:
        rehearsal.stop()


def target(rehearsal: Rehearsal) -> Target:
    """The primary's and the reader's address, then each node's own."""
    group = described(rehearsal)
    (shard,) = group["NodeGroups"]
    ends = [shard["PrimaryEndpoint"], shard["ReaderEndpoint"]]
    for member in group["MemberClusters"]:
        answer = rehearsal.aws("elasticache").describe_cache_clusters(
            CacheClusterId=member, ShowCacheNodeInfo=True
        )
        ends += [node["Endpoint"] for node in answer["CacheClusters"][0]["CacheNodes"]]
    return Target(
        tuple(Address(end["Address"], int(end["Port"])) for end in ends),
        ssl.create_default_context(cafile=str(rehearsal.authority)),
        token(rehearsal),
        ours=True,
        authority=rehearsal.authority,
        processes=rehearsal.embedded_aws.pid,
        rehearsal=rehearsal,
    )
