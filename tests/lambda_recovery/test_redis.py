"""Keeping and verifying on a real Redis over TLS, and what a failure says."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call

import pytest
from redis import Redis

from emulator.engines import obtain
from emulator.fixtures import Nodes, nodes
from emulator.nodes.context import Ground
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

pytestmark = pytest.mark.servers

__all__ = ["nodes"]

VALUES = {f"recovery:sentinel:{number:02}": f"value {number}" for number in range(5)}
DIGESTS = {key: hashlib.sha256(value.encode()).hexdigest() for key, value in VALUES.items()}


@pytest.fixture
def redis(nodes: Nodes) -> Iterator[Any]:
    """A connection to an empty Redis."""
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


def test_what_is_missing_is_written_once_and_without_expiry(redis: Any) -> None:
    assert keep(redis, VALUES) == {"SentinelsMissing": 5, "SentinelsAltered": 0}
    assert keep(redis, VALUES) == {"SentinelsMissing": 0, "SentinelsAltered": 0}
    assert {redis.ttl(key) for key in VALUES} == {-1}
    verify(redis, DIGESTS)


def test_an_altered_one_is_told_and_left_for_people_to_see(redis: Any) -> None:
    keep(redis, VALUES)
    redis.set("recovery:sentinel:03", "another")
    assert keep(redis, VALUES) == {"SentinelsMissing": 0, "SentinelsAltered": 1}
    assert redis.get("recovery:sentinel:03") == b"another"


def test_an_expiry_that_somebody_gave_one_is_taken_away(redis: Any) -> None:
    keep(redis, VALUES)
    redis.expire("recovery:sentinel:03", 3600)
    keep(redis, VALUES)
    assert redis.ttl("recovery:sentinel:03") == -1


# Redis rounds: 0 is less than half a second, and -1 that it does not expire.
@pytest.mark.parametrize(("seconds", "persists"), [(-1, False), (0, True), (1, True)])
def test_an_expiry_is_taken_away_in_its_last_moment_too(seconds: int, persists: bool) -> None:
    client = Mock()
    client.get.side_effect = lambda key: VALUES[key].encode()
    client.ttl.return_value = seconds
    keep(client, VALUES)
    assert client.persist.mock_calls == [call(key) for key in VALUES] * persists


def test_each_pass_makes_every_one_the_latest_used(redis: Any) -> None:
    keep(redis, VALUES)
    keep(redis, VALUES)
    assert all(redis.object("idletime", key) <= 1 for key in VALUES)


def test_missing_and_altered_ones_are_counted_and_named(redis: Any) -> None:
    keep(redis, VALUES)
    redis.delete("recovery:sentinel:01")
    redis.set("recovery:sentinel:03", "value 4")
    words = r"of 5 sentinels 1 missing \(.*:01\) and 1 altered \(.*:03\)"
    with pytest.raises(SentinelsError, match=words):
        verify(redis, DIGESTS)


def test_of_many_only_some_are_named(redis: Any) -> None:
    with pytest.raises(SentinelsError, match=r"5 missing .*:00, .*:01, .*:02, …"):
        verify(redis, DIGESTS)


def test_in_cluster_mode_every_shard_is_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_hex(32)
    with Ground(tmp_path) as ground:
        spec = GroupSpec(
            "sharded",
            obtain("redis", "6.2"),
            users=(User.only(token),),
            shards=3,
            replicas=0,
            cluster=True,
        )
        group = Group(spec, ground)
        monkeypatch.setenv("SSL_CERT_FILE", str(ground.ca_file))
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
