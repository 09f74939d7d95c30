"""What keeping and verifying do with each sentinel, and both on a real Redis over TLS."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import pytest
from redis import Redis

from emulator.engines import obtain
from emulator.fixtures import Nodes, nodes
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User
from recovery.keeper import keep
from recovery.settings import SentinelsError
from recovery.verifier import count_keys, verify
from shared.auth_token import AuthToken
from shared.errors import TokenRefusedError, UnreachableError
from shared.group import Endpoint
from shared.login import talk
from tests.lambda_recovery.example import NOW

__all__ = ["nodes"]

VALUES = {f"recovery:sentinel:{number:02}": f"value {number}" for number in range(5)}
DIGESTS = {key: hashlib.sha256(value.encode()).hexdigest() for key, value in VALUES.items()}


@pytest.fixture
def redis(nodes: Nodes) -> Iterator[Any]:
    spec = nodes.group.spec
    with Redis(
        host=nodes.group.endpoints.primary,
        port=spec.port,
        password=nodes.token,
        ssl=True,
        ssl_ca_certs=str(nodes.ca_file),
    ) as client:
        client.delete(*VALUES)
        yield client


SET = [call.set(key, value, nx=True) for key, value in VALUES.items()]
PERSIST = [call.persist(key) for key in VALUES]


@pytest.mark.parametrize(
    ("value", "seconds", "missing", "altered", "does"),
    [
        (lambda _: None, -2, 5, 0, SET),
        (lambda _: b"another", -1, 0, 5, []),  # is left for people to see
        (lambda key: VALUES[key].encode(), -1, 0, 0, []),
        # Redis rounds: 0 is less than half a second, and -1 that it does not expire.
        (lambda key: VALUES[key].encode(), 0, 0, 0, PERSIST),
        (lambda key: VALUES[key].encode(), 1, 0, 0, PERSIST),
    ],
    ids=["missing", "altered", "kept", "expires now", "expires"],
)
def test_only_what_is_missing_is_written_and_an_expiry_is_taken_away(
    value: Callable[[str], bytes | None], seconds: int, missing: int, altered: int, does: list[Any]
) -> None:
    client = Mock()
    client.get.side_effect = value
    client.ttl.return_value = seconds
    assert keep(client, VALUES) == {"SentinelsMissing": missing, "SentinelsAltered": altered}
    reads = [call.get(key) for key in VALUES]
    assert [one for one in client.mock_calls if one not in reads and one[0] != "ttl"] == does


@pytest.mark.parametrize(
    ("missing", "altered", "words"),
    [
        ([1], [3], r"of 5 sentinels 1 missing \(.*:01\) and 1 altered \(.*:03\)"),
        ([0, 1, 2], [], r"3 missing \(.*:00, .*:01, .*:02\)$"),
        ([], [0, 1, 2, 3], r"4 altered \(.*:00, .*:01, .*:02, …\)$"),
    ],
)
def test_missing_and_altered_ones_are_counted_and_some_are_named(
    missing: list[int], altered: list[int], words: str
) -> None:
    there = {key: value.encode() for key, value in VALUES.items()}
    verify(SimpleNamespace(get=there.get), DIGESTS)
    keys = list(VALUES)
    there |= {keys[number]: b"another" for number in altered}
    for number in missing:
        del there[keys[number]]
    with pytest.raises(SentinelsError, match=words):
        verify(SimpleNamespace(get=there.get), DIGESTS)


def test_each_pass_makes_every_one_the_latest_used(redis: Any) -> None:
    assert keep(redis, VALUES) == {"SentinelsMissing": 5, "SentinelsAltered": 0}
    assert keep(redis, VALUES) == {"SentinelsMissing": 0, "SentinelsAltered": 0}
    verify(redis, DIGESTS)
    assert {redis.ttl(key) for key in VALUES} == {-1}
    assert all(redis.object("idletime", key) <= 1 for key in VALUES)


@pytest.mark.servers
def test_in_cluster_mode_every_shard_is_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_hex(32)
    with NodeContext(tmp_path) as node_context:
        spec = GroupSpec(
            "sharded",
            obtain("redis", "6.2"),
            users=(User.only(token),),
            shards=3,
            replicas=0,
            cluster=True,
        )
        group = Group(spec, node_context)
        monkeypatch.setenv("SSL_CERT_FILE", str(node_context.ca_file))
        try:
            endpoint = Endpoint("configuration", group.endpoints.configuration, spec.port)

            def work(redis: Any) -> None:
                assert keep(redis, VALUES) == {"SentinelsMissing": 5, "SentinelsAltered": 0}
                assert keep(redis, VALUES) == {"SentinelsMissing": 0, "SentinelsAltered": 0}
                verify(redis, DIGESTS)
                assert count_keys(redis) == 5

            talk(endpoint, AuthToken(token, NOW), work, cluster=True)
            wrong = AuthToken("x" * 64, NOW)
            with pytest.raises((TokenRefusedError, UnreachableError)) as refused:
                talk(endpoint, wrong, work, cluster=True)
            assert wrong.text not in str(refused.value)
        finally:
            group.stop()
