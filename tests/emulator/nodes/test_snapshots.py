from pathlib import Path

from tests.emulator.nodes.conftest import Connect, Start


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
