from typing import Any

from tests.emulator.elasticache.conftest import Rehearsed, log


def member(rehearsed: Rehearsed) -> dict[str, Any]:
    found: dict[str, Any] = rehearsed.client.describe_cache_clusters()["CacheClusters"][0]
    return found


def test_settings_change_in_place(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.modify(
        ReplicationGroupDescription="another",
        SnapshotRetentionLimit=3,
        SnapshotWindow="04:00-05:00",
        PreferredMaintenanceWindow="mon:06:00-mon:07:00",
        SecurityGroupIds=["sg-9"],
        AutoMinorVersionUpgrade=False,
    )
    group = rehearsed.describe()
    assert group["Description"] == "another"
    assert group["SnapshotRetentionLimit"] == 3
    assert group["SnapshotWindow"] == "04:00-05:00"
    assert member(rehearsed)["AutoMinorVersionUpgrade"] is False
    assert member(rehearsed)["PreferredMaintenanceWindow"] == "mon:06:00-mon:07:00"
    assert member(rehearsed)["SecurityGroups"][0]["SecurityGroupId"] == "sg-9"


def test_a_larger_node_type_gives_more_memory_and_keeps_the_data(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    client = rehearsed.connect()
    client.set("key", "value")
    before = int(client.info("memory")["maxmemory"])
    rehearsed.modify(CacheNodeType="cache.r6g.large")
    assert rehearsed.describe()["CacheNodeType"] == "cache.r6g.large"
    assert int(rehearsed.connect().info("memory")["maxmemory"]) > 4 * before
    assert rehearsed.connect().get("key") == "value"


def test_an_engine_upgrade_restarts_the_nodes_on_the_other_server(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    rehearsed.connect().set("key", "value")
    rehearsed.modify(EngineVersion="7.0")
    assert member(rehearsed)["EngineVersion"] == "7.0.7"
    assert member(rehearsed)["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7"
    client = rehearsed.connect()
    assert client.info("server")["redis_version"].startswith("7.0.")
    assert client.get("key") == "value"


def test_without_apply_immediately_an_upgrade_waits_for_maintenance(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.modify(CacheNodeType="cache.t3.small", ApplyImmediately=False)
    assert rehearsed.describe()["CacheNodeType"] == "cache.t3.medium"
    rehearsed.service.run_maintenance("redis")
    assert rehearsed.wait()["CacheNodeType"] == "cache.t3.small"
    assert member(rehearsed)["PendingModifiedValues"] == {}


def test_automatic_failover_is_switched_on_later(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    rehearsed.modify(AutomaticFailoverEnabled=True)
    assert rehearsed.describe()["AutomaticFailover"] == "enabled"


def test_one_log_is_switched_off_and_the_other_stays(rehearsed: Rehearsed) -> None:
    rehearsed.create(LogDeliveryConfigurations=[log("slow-log"), log("engine-log")])
    rehearsed.modify(LogDeliveryConfigurations=[{"LogType": "slow-log", "Enabled": False}])
    logs = rehearsed.describe()["LogDeliveryConfigurations"]
    assert [entry["LogType"] for entry in logs] == ["engine-log"]
    assert logs[0]["Status"] == "active"
