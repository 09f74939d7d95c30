"""Where clients connect."""

from typing import Any

from redis import Redis

from emulator.nodes.server import connect
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal

Endpoint = tuple[str, int]


def endpoints(rehearsal: Rehearsal) -> dict[str, Endpoint]:
    """By name: primary and reader, or in cluster mode the configuration address and every node."""
    group = described(rehearsal)
    if not group["ClusterEnabled"]:
        shard = group["NodeGroups"][0]
        found = {name: shard[f"{name}Endpoint"] for name in ("Primary", "Reader")}
    else:
        pages = rehearsal.aws("elasticache").get_paginator("describe_cache_clusters")
        found = {"Configuration": group["ConfigurationEndpoint"]} | {
            node["CacheClusterId"]: node["CacheNodes"][0]["Endpoint"]
            for page in pages.paginate(ShowCacheNodeInfo=True)
            for node in page["CacheClusters"]
            if node["ReplicationGroupId"] == group["ReplicationGroupId"]
        }
    return {name: (one["Address"], int(one["Port"])) for name, one in found.items()}


def connected(rehearsal: Rehearsal, at: Endpoint, **login: Any) -> Redis:
    """A client of that address; `login` is username and password, as redis-py takes them."""
    return connect(*at, ca_file=str(rehearsal.authority), **login)


def published(rehearsal: Rehearsal) -> Endpoint:
    """The one that applications are given: the primary's, or the configuration address."""
    found: Endpoint = next(iter(endpoints(rehearsal).values()))
    return found
