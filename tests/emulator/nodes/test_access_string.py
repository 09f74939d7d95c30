"""What the user of the deployment may do, tried on real servers of each engine.

docs/develop/developer-guide.md has what it means for clients in other languages.
"""

from collections.abc import Callable

import pytest
import redis
from redis.exceptions import NoPermissionError

from emulator.engines import obtain
from emulator.nodes.group import Group
from emulator.nodes.users import User
from environments.access import EXTRA_COMMANDS, access_string
from tests.emulator.nodes.conftest import TOKEN, Connect, Start

# What clients of other languages send when they connect, and between commands (their sources).
ASKED_BY_CLIENTS = {
    "redis-py": ("CLIENT SETINFO LIB-NAME x", "CLIENT SETNAME x", "READONLY", "COMMAND"),
    "Jedis": ("CLIENT SETNAME x", "CLUSTER SLOTS", "PING"),
    "Lettuce": ("CLIENT SETNAME x", "INFO", "CLUSTER NODES", "COMMAND"),
    "StackExchange.Redis": (
        "CLIENT SETNAME x",
        "CLIENT ID",
        "INFO replication",
        "CLUSTER NODES",
        "ECHO x",
    ),
    "go-redis": ("CLIENT SETNAME x", "CLUSTER SLOTS", "COMMAND", "WAIT 0 0"),
    "ioredis": ("INFO", "CLIENT SETNAME x", "CLUSTER SLOTS"),
    "limits of applications": ("EVAL return(1) 0", "SCRIPT LOAD return(1)", "SCAN 0", "UNLINK k"),
}
NEVER = ("ACL LIST", "CONFIG GET *", "DEBUG SLEEP 0", "SAVE", "SHUTDOWN NOSAVE", "REPLICAOF NO ONE")
ENGINES = [
    ("redis", "6.2"),
    ("redis", "7.0"),
    pytest.param(("valkey", "8.0"), marks=pytest.mark.long),
]
# What each of the commands that may be added takes: only so the server says what it thinks.
ARGUMENTS = {
    **dict.fromkeys(EXTRA_COMMANDS, ""),
    "keys": "none",
    "latency": "latest",
    "restore": "k 0 x",
    "slowlog": "len",
    "sort": "none",
    "swapdb": "0 1",
}

Access = Callable[[list[str]], Group]


@pytest.fixture(params=ENGINES, ids="-".join)
def access(start: Start, request: pytest.FixtureRequest) -> Access:
    """Start a node whose user has the deployment's rights, and these commands."""

    def run(extra: list[str]) -> Group:
        user = User((TOKEN,), access_string(extra))
        return start(engine=obtain(*request.param), replicas=0, users=(user,))

    return run


@pytest.mark.plan("2.3")
def test_clients_of_every_language_can_do_their_work(access: Access, connect: Connect) -> None:
    client = connect(access([]).endpoints.primary)
    for who, commands in ASKED_BY_CLIENTS.items():
        for command in commands:
            assert not refused(client, command), f"{who}: {command}"


@pytest.mark.plan("2.3", "6.2")
def test_what_is_left_out_is_refused_and_added_by_name_alone(
    access: Access, connect: Connect
) -> None:
    client = connect(access([]).endpoints.primary)
    for command in (*(f"{name} {ARGUMENTS[name]}" for name in EXTRA_COMMANDS), *NEVER):
        assert refused(client, command), command
    with pytest.raises((redis.ResponseError, NoPermissionError)):
        client.eval("return redis.call('flushall')", 0)
    widened = connect(access(sorted(EXTRA_COMMANDS)).endpoints.primary)
    for name in sorted(EXTRA_COMMANDS.keys() - {"monitor"}):
        assert not refused(widened, f"{name} {ARGUMENTS[name]}"), name
    for command in NEVER:
        assert refused(widened, command), command


def refused(client: redis.Redis, command: str) -> bool:
    """Whether the user may not run it; anything else that the server says is beside the point."""
    try:
        client.execute_command(*command.split())  # type: ignore[no-untyped-call]
    except NoPermissionError:
        return True
    except redis.ResponseError as answer:
        return "unknown command" in str(answer).lower()
    return False
