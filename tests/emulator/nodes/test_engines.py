import pytest

from emulator.clean_environment import run_command
from emulator.engines import SETUP, EngineMissingError, obtain


@pytest.mark.parametrize(("engine", "version"), [("redis", "7.1"), ("valkey", "8.1")])
def test_a_version_that_is_not_to_be_had_is_never_replaced_by_another(
    engine: str, version: str
) -> None:
    with pytest.raises(EngineMissingError, match=f"no {engine} {version} server.*redis 6.2"):
        obtain(engine, version)


def test_the_set_up_refuses_an_unknown_engine_in_one_line() -> None:
    done = run_command([SETUP, "redis-7.1"])
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "engines: 'redis-7.1' is not to be had here: "
        "choose from redis-6.2, redis-7.0 and valkey-8.0"
    )


def test_the_set_up_does_nothing_the_second_time() -> None:
    obtain("redis", "6.2")
    done = run_command([SETUP, "redis-6.2"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
