import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulator.nodes.context import Authority
from emulator.nodes.server import ServerFailedError
from tests.emulator.nodes.conftest import Connect, Start


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


def test_a_server_that_cannot_start_names_the_directive_and_never_its_value(start: Start) -> None:
    with pytest.raises(ServerFailedError, match="no-such-directive Bad directive") as failure:
        start(parameters={"no-such-directive": "a-secret-value"})
    assert "a-secret-value" not in str(failure.value)
