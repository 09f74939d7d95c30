"""Decisions of threads while each step to Redis may hang, fail or be refused."""

import random
import struct
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from vibewell_redis import script, storage
from vibewell_redis.wire import LateError

DEADLINE = 0.3  # seconds: much longer than a busy machine is late
HOME, SHARD = ("home", 1), ("shard", 2)
POLICY = script.policy(5, 60)


class Wire:
    """Answers each key's decision with the number in the key, unless its turn is another."""

    harm = 0.3
    choose = random.Random(0)  # noqa: S311 - which fault comes, no secret
    opened = 0
    asked: list[bytes]

    def __init__(self, connection: None, address: tuple[str, int]) -> None:
        del connection
        self.address, self.is_open, self.busy = address, True, threading.Lock()
        Wire.opened += 1

    def ask(self, words: Sequence[Any], due: float) -> bytes:
        assert self.is_open, "a wire that was closed is used"
        assert self.busy.acquire(blocking=False), "two threads use one wire"
        try:
            return self._answer(words, due)
        finally:
            self.busy.release()

    def _answer(self, words: Sequence[Any], due: float) -> bytes:
        if words[3] == b"trial":
            return b""
        fault = self.choose.choice(
            ["slow", "hang", "lost", "NOSCRIPT x", "READONLY x", "MOVED 1 shard:2", "OOM x"]
        )
        if self.choose.random() > self.harm:
            fault = ""
        if fault == "slow":
            time.sleep(0.02)
        elif fault == "hang":
            time.sleep(max(due - time.monotonic(), 0))
            raise LateError
        elif fault == "lost":
            raise RedisConnectionError(fault)
        elif fault and not (fault.startswith("NOSCRIPT") and words[0] == b"EVAL"):
            raise ResponseError(fault)
        keys = words[3 : 3 + words[2]]
        Wire.asked += keys
        return b"".join(struct.pack(">BId", 1, int(key), 1.0) for key in keys)

    def is_alive(self) -> bool:
        return self.is_open and self.choose.random() > self.harm / 3

    def close(self) -> None:
        self.is_open = False

    def interrupt(self) -> None:
        """Its own thread closes it."""


@pytest.mark.plan("5.5")
@pytest.mark.parametrize("harm", [0.0, 0.05, 0.3, 0.9])
def test_each_gets_its_own_answer_or_none_and_nobody_waits_longer(
    harm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "Wire", Wire)
    monkeypatch.setattr(Wire, "harm", harm)
    monkeypatch.setattr(Wire, "asked", [], raising=False)

    def connect(address: tuple[str, int]) -> Any:
        if Wire.choose.random() < harm / 2:
            raise RedisConnectionError("refused")
        return address

    asked = storage.ThreadStorage(connect, HOME, trial_key=b"trial", deadline=DEADLINE)
    until, longest, answered, nobody = time.monotonic() + 3.0, [0.0], [0], [0]

    def work(number: int) -> None:
        for turn in range(10_000):
            if (began := time.monotonic()) > until:
                return
            mine = number * 10_000 + turn
            reply = asked.decide([b"%d" % mine], POLICY, 1, began)
            longest.append(time.monotonic() - began)
            if reply is None:
                nobody.append(mine)
                time.sleep(0.001)
            else:
                assert isinstance(reply, bytes)
                assert struct.unpack(">BId", reply) == (1, mine, 1.0)
                answered.append(mine)

    with ThreadPoolExecutor(12) as threads:
        for one in [threads.submit(work, number) for number in range(1, 13)]:
            one.result(timeout=20)
    assert max(longest) < DEADLINE + 0.5
    assert len(answered) > (100 if harm < 0.5 else 10)
    assert len(nobody) == 1 or harm
    # What is answered is asked once; only what was lost on the way may be asked twice.
    assert set(map(int, Wire.asked)) >= set(answered[1:])
    asked.close()
    assert asked.decide([b"1"], POLICY, 1, time.monotonic()) is None


def test_a_thread_that_is_told_to_end_leaves_the_others_their_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "Wire", Wire)
    monkeypatch.setattr(Wire, "harm", 0.0)
    monkeypatch.setattr(Wire, "asked", [], raising=False)
    asked = storage.ThreadStorage(lambda _: None, HOME, trial_key=b"trial", deadline=5.0)  # type: ignore[arg-type,return-value]
    assert asked.connect()
    ask = Wire.ask

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    for _ in range(3):
        monkeypatch.setattr(Wire, "ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked.decide([b"1"], POLICY, 1, time.monotonic())
        monkeypatch.setattr(Wire, "ask", ask)
        assert asked.decide([b"2"], POLICY, 1, time.monotonic()) == struct.pack(">BId", 1, 2, 1.0)
