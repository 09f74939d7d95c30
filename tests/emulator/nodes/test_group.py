"""Who gets in, who takes over when a server is lost, and where a token never is."""

import os
import signal
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulator.nodes.context import Authority, NodeContext
from emulator.nodes.server import ServerFailedError
from emulator.nodes.users import User
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import TOKEN, Connect, Events, Start


def test_the_certificate_is_valid_for_every_address_and_for_no_other_authority(
    start: Start, connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    group = start(replicas=1)
    for address in [*group.endpoints.names, *(member.address for member in group.members)]:
        assert connect(address).ping()
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        connect(group.endpoints.primary, ca=stranger.file).ping()
    plain = redis.Redis(host=group.endpoints.primary, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.ConnectionError):
        plain.ping()


def test_the_replica_with_most_of_the_stream_takes_over_and_the_lost_node_follows_it(
    start: Start, connect: Connect, events: Events
) -> None:
    group = start()
    lost, behind, best = (group.node(f"group-0-00{number}") for number in (1, 2, 3))
    behind.server.call("replicaof", "no", "one")
    client = connect(group.endpoints.primary)
    client.set("key", "value")
    assert client.wait(1, 30000) == 1
    os.kill(lost.server.pid, signal.SIGKILL)
    until(lambda: (lost.name, "Finished recovery for cache nodes 0001") in events, 120, "recovery")
    assert group.shards[0].primary is best
    assert lost.alive
    client = connect(group.endpoints.primary)
    assert client.get("key") == "value"
    assert client.wait(2, 30000) == 2
    assert connect(lost.at[0]).get("key") == "value"


def test_the_token_is_in_no_command_line_environment_or_file(
    start: Start, node_context: NodeContext
) -> None:
    for node in start().shards[0].nodes:
        process = Path(f"/proc/{node.server.pid}")
        for name in ("cmdline", "environ"):
            assert TOKEN.encode() not in (process / name).read_bytes()
    files = [path for path in node_context.folder.rglob("*") if path.is_file()]
    assert any(path.name == "server.log" for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    keys = [path for path in files if path.name == "node.key"]
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    user = User((TOKEN,))
    assert TOKEN not in f"{user!r} {user.rules()}"


def test_a_server_that_cannot_start_names_the_directive_and_never_its_value(start: Start) -> None:
    with pytest.raises(ServerFailedError, match="no-such-directive Bad directive") as failure:
        start(parameters={"no-such-directive": "a-secret-value"})
    assert "a-secret-value" not in str(failure.value)
