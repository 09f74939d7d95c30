from pathlib import Path

from tests.emulator.nodes.conftest import Connect, Start


def test_a_snapshot_is_a_real_rdb_file_and_a_new_group_starts_with_its_data(
    start: Start, connect: Connect, tmp_path: Path
) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    client.hset("hash", mapping={"field": "value"})
    client.set("expiring", "1", ex=3600)
    assert client.wait(2, 30000) == 2
    (file,) = group.snapshot(tmp_path)
    assert file.read_bytes().startswith(b"REDIS0009")
    restored = start("restored", restore=(file,), replicas=1)
    again = connect(restored.endpoints.primary)
    assert again.hgetall("hash") == {"field": "value"}
    assert 0 < again.ttl("expiring") <= 3600
    assert connect(restored.endpoints.reader).hget("hash", "field") == "value"


def test_a_snapshot_does_not_change_with_the_group(
    start: Start, connect: Connect, tmp_path: Path
) -> None:
    group = start(replicas=0)
    client = connect(group.endpoints.primary)
    client.set("key", "old")
    (file,) = group.snapshot(tmp_path / "first")
    client.set("key", "new")
    (later,) = group.snapshot(tmp_path / "second")
    assert connect(start(restore=(file,), replicas=0).endpoints.primary).get("key") == "old"
    assert connect(start(restore=(later,), replicas=0).endpoints.primary).get("key") == "new"
