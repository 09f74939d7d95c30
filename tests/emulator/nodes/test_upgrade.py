import threading
import time

import pytest
import redis

from emulator.elasticache.parameter_catalog import CATALOG
from emulator.engines import obtain
from emulator.nodes.server import PATIENCE_SECONDS
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import Connect, Start


def defaults(family: str) -> dict[str, str]:
    return {name: each.default for name, each in CATALOG[family].items() if each.modifiable}


def test_a_single_node_keeps_its_data_through_an_upgrade(start: Start, connect: Connect) -> None:
    group = start(replicas=0)
    connect(group.endpoints.primary).set("key", "value")
    group.upgrade(obtain("redis", "7.0"), {})
    assert connect(group.endpoints.primary).get("key") == "value"


def test_redis_6_2_refuses_what_came_with_7_0(start: Start, connect: Connect) -> None:
    old = connect(start(replicas=0).endpoints.primary)
    new = connect(start(replicas=0, engine=obtain("redis", "7.0")).endpoints.primary)
    old.set("key", "1", ex=60)
    new.set("key", "1", ex=60)
    assert new.expire("key", 60, xx=True)
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        old.expire("key", 60, xx=True)


def test_no_acknowledged_write_is_lost_and_none_waits_long(start: Start, connect: Connect) -> None:
    group = start()
    written: list[str] = []
    gaps: list[float] = []
    stop = threading.Event()

    def write() -> None:
        client, last = connect(group.endpoints.primary), time.monotonic()
        while not stop.is_set():
            try:
                client.set(f"key-{len(written)}", "1")
            except redis.RedisError:
                client = connect(group.endpoints.primary)
                continue
            written.append(f"key-{len(written)}")
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(written) > 20, 120, "writes go on")
        group.upgrade(obtain("redis", "7.0"), defaults("redis7"))
    finally:
        stop.set()
        writer.join(timeout=120)
    client = connect(group.endpoints.primary)
    assert client.exists(*written) == len(written)
    assert max(gaps) < PATIENCE_SECONDS / 2, "the servers waited for each other"
