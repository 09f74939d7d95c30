import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulator.nodes.context import Authority
from emulator.nodes.server import ServerFailedError
from tests.emulator.nodes.conftest import Connect, Start


def test_three_nodes_come_up(start: Start) -> None:
    assert [(member.name, member.role) for member in start().members] == [
        ("group-0-001", "primary"),
        ("group-0-002", "replica"),
        ("group-0-003", "replica"),
    ]


def test_what_is_written_to_the_primary_address_is_read_at_the_reader_address(
    start: Start, connect: Connect
) -> None:
    group = start()
    primary, reader = connect(group.endpoints.primary), connect(group.endpoints.reader)
    primary.set("key", "value")
    assert primary.wait(2, 30000) == 2
    assert reader.get("key") == "value"
    assert reader.info("replication")["role"] == "slave"


def test_the_reader_address_takes_the_replicas_in_turn(start: Start, connect: Connect) -> None:
    group = start()
    seen = {
        connect(group.endpoints.reader).info("server")["run_id"] for _ in range(len(group.members))
    }
    assert len(seen) == 2


def test_a_group_without_replicas_reads_from_its_primary(start: Start, connect: Connect) -> None:
    group = start(replicas=0)
    assert connect(group.endpoints.reader).info("replication")["role"] == "master"


def test_the_certificate_is_valid_for_every_address_and_for_no_other_authority(
    start: Start, connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    group = start(replicas=1)
    for address in [*group.endpoints.names, *(member.address for member in group.members)]:
        assert connect(address).ping()
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        connect(group.endpoints.primary, ca=stranger.file).ping()


def test_nobody_gets_in_without_tls(start: Start) -> None:
    group = start(replicas=0)
    plain = redis.Redis(host=group.endpoints.primary, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.ConnectionError):
        plain.ping()


def test_the_parameter_groups_values_and_a_small_memory_are_applied(start: Start) -> None:
    values = {
        "maxmemory-policy": "allkeys-lru",
        "timeout": "300",
        "tcp-keepalive": "60",
        "notify-keyspace-events": "AKE",
        "reserved-memory-percent": "50",
        "client-output-buffer-limit-pubsub-soft-seconds": "30",
        "close-on-replica-write": "yes",
    }
    group = start(parameters=values, node_bytes=40 << 20)
    for shard in group.shards:
        for node in shard.nodes:
            get = node.server.call("config", "get", "*")
            assert get["maxmemory-policy"] == "allkeys-lru"
            assert get["timeout"] == "300"
            assert get["tcp-keepalive"] == "60"
            assert sorted(get["notify-keyspace-events"]) == sorted("AKE")
            assert get["maxmemory"] == str(20 << 20)
            assert "pubsub 0 0 30" in get["client-output-buffer-limit"]


def test_a_server_that_cannot_start_names_the_directive_and_never_its_value(start: Start) -> None:
    with pytest.raises(ServerFailedError, match="no-such-directive Bad directive") as failure:
        start(parameters={"no-such-directive": "a-secret-value"})
    assert "a-secret-value" not in str(failure.value)
