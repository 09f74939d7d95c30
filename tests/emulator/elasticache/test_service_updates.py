from tests.emulator.elasticache.conftest import Rehearsed


def statuses(rehearsed: Rehearsed) -> list[tuple[str, str]]:
    found = rehearsed.client.describe_update_actions()["UpdateActions"]
    return [(each["UpdateActionStatus"], each["NodesUpdated"]) for each in found]


def test_a_security_update_is_announced_applied_and_done(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    rehearsed.connect().set("key", "value")
    assert rehearsed.client.describe_service_updates()["ServiceUpdates"] == []
    rehearsed.service.publish_service_update("redis-20261101", "critical")
    (update,) = rehearsed.client.describe_service_updates()["ServiceUpdates"]
    assert (update["ServiceUpdateSeverity"], update["ServiceUpdateStatus"]) == (
        "critical",
        "available",
    )
    assert statuses(rehearsed) == [("not-applied", "0/2")]
    before = rehearsed.connect().info("server")["run_id"]
    answer = rehearsed.client.batch_apply_update_action(
        ReplicationGroupIds=["redis", "unknown"], ServiceUpdateName="redis-20261101"
    )
    assert [each["ReplicationGroupId"] for each in answer["ProcessedUpdateActions"]] == ["redis"]
    assert answer["UnprocessedUpdateActions"][0]["ErrorType"] == "ReplicationGroupNotFoundFault"
    rehearsed.wait()
    assert statuses(rehearsed) == [("complete", "2/2")]
    assert rehearsed.connect().info("server")["run_id"] != before
    assert rehearsed.connect().get("key") == "value"


def test_a_group_made_after_an_update_does_not_need_it(rehearsed: Rehearsed) -> None:
    rehearsed.service.publish_service_update("redis-20261101", "critical")
    rehearsed.create()
    assert statuses(rehearsed) == []
