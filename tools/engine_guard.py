"""Refuses a deployment that asks for an older engine than the group runs.

AWS refuses it too, after minutes and with a stack to roll back: here it is said before.
"""

from collections.abc import Callable
from typing import Any

from environments.engines import ENGINES, Engine
from environments.schema import Settings
from tools.command import Answer


class EngineCannotGoBack(Answer):
    """Which engine runs, which is asked for, and what to write instead."""


def check_engine(settings: Settings, client: Callable[[str], Any]) -> None:
    """Raise EngineCannotGoBack if ElastiCache would not take the group to the settings' engine.

    ``client`` makes a boto3 client of a service. Before the first deployment nothing runs.
    """
    found = running(settings, client("elasticache"))
    wanted = settings.redis.engine
    if found is not None and not found.may_become(wanted):
        name = settings.environment.name
        raise EngineCannotGoBack(
            f"deploy: environments/{name}.toml asks for {wanted.name}, which is older than what "
            f"{settings.redis.replication_group_id} runs: {found.name}. ElastiCache does not go "
            f'back in place. Write engine = "{found.name}", or restore a snapshot from before the '
            "upgrade (docs/upgrades.md, The way back)."
        )


def running(settings: Settings, elasticache: Any) -> Engine | None:
    """What the group's nodes run; None while there is no group, or no node of it."""
    group_id = settings.redis.replication_group_id
    try:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=group_id)
    except elasticache.exceptions.ReplicationGroupNotFoundFault:
        return None
    members = answer["ReplicationGroups"][0].get("MemberClusters", [])
    if not members:
        return None
    node = elasticache.describe_cache_clusters(CacheClusterId=members[0])["CacheClusters"][0]
    version = ".".join(node["EngineVersion"].split(".")[:2])
    # One that the settings do not know yet is compared all the same.
    known = ENGINES.get(f"{node['Engine']}-{version}")
    return known or Engine(node["Engine"], version, family="")
