from pathlib import Path

from emulator.nodes.context import Ground
from tests.emulator.nodes.conftest import TOKEN, Start


def test_the_token_is_in_no_command_line_and_no_environment(start: Start) -> None:
    group = start()
    for node in group.shards[0].nodes:
        process = Path(f"/proc/{node.server.pid}")
        for name in ("cmdline", "environ"):
            assert TOKEN.encode() not in (process / name).read_bytes()


def test_the_token_is_in_no_file(start: Start, ground: Ground) -> None:
    start()
    files = [path for path in ground.folder.rglob("*") if path.is_file()]
    assert any(path.name == "server.log" for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_a_nodes_private_key_is_readable_by_its_owner_only(start: Start, ground: Ground) -> None:
    start(replicas=0)
    keys = list(ground.folder.rglob("node.key"))
    assert keys
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
