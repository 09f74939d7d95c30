import subprocess

import pytest

from emulator.engines import SETUP, EngineMissingError, obtain
from tests.emulator.nodes.conftest import Start


def test_redis_6_2_is_the_plans_engine_with_tls(start: Start) -> None:
    server = start(replicas=0).shards[0].primary.server
    assert server.info("server")["redis_version"] == "6.2.14"
    assert server.info("server")["tcp_port"] == 6379
    assert server.call("config", "get", "port") == {"port": "0"}


@pytest.mark.parametrize(("engine", "version"), [("redis", "7.1"), ("valkey", "8.1")])
def test_a_version_that_is_not_to_be_had_is_never_replaced_by_another(
    engine: str, version: str
) -> None:
    with pytest.raises(EngineMissingError, match=f"no {engine} {version} server.*redis 6.2"):
        obtain(engine, version)


def test_the_set_up_refuses_an_unknown_engine_in_one_line() -> None:
    done = subprocess.run([SETUP, "redis-7.1"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "engines: 'redis-7.1' is not to be had here: "
        "choose from redis-6.2, redis-7.0 and valkey-8.0"
    )


def test_the_set_up_does_nothing_the_second_time() -> None:
    obtain("redis", "6.2")
    done = subprocess.run([SETUP, "redis-6.2"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
