import asyncio
import time

import pytest

from vibewell_redis.asyncio.batch import Batch, Waiting
from vibewell_redis.asyncio.deadlines import Deadlines


def batch(seconds: float, *waiting: Waiting) -> Batch:
    made = Batch(asyncio.get_running_loop().time() + seconds)
    for one in waiting:
        made.add([], b"", 0, one)
    return made


def waiting() -> Waiting:
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("cancelled", [False, True], ids=["late", "cancelled"])
async def test_a_batch_that_was_given_up_says_so(cancelled: bool) -> None:
    deadlines = Deadlines(asyncio.get_running_loop(), lambda *_: None)
    first, later = batch(0.02, waiting()), batch(0.05 if cancelled else 0.02, future := waiting())
    for one in (first, later):
        deadlines.add(one)
    if cancelled:
        future.cancel()
    await asyncio.wait_for(first.waiting[0], 5)
    # Nobody waits in the second one: it would have left the queue while decisions join it.
    assert first.is_over
    assert later.is_over


async def test_the_part_of_a_batch_is_due_before_a_batch_that_came_later() -> None:
    futures = [waiting() for _ in range(3)]
    deadlines = Deadlines(asyncio.get_running_loop(), lambda *_: None)
    whole = batch(0.05, *futures[:2])
    deadlines.add(whole)
    deadlines.add(batch(0.5, futures[2]))
    deadlines.add(whole.take(1))
    assert await asyncio.wait_for(asyncio.gather(*futures[:2]), 0.4) == [None, None]
    assert not futures[2].done()


async def test_an_answer_that_came_while_the_process_was_held_up_is_not_late() -> None:
    late: list[int] = []
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, lambda _, waiting: late.append(waiting))
    future = waiting()
    here, there = await asyncio.open_connection(sock=_answering())

    async def read() -> None:
        future.set_result(await here.readexactly(6))

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    deadlines.add(batch(0.02, future))
    time.sleep(0.1)  # noqa: ASYNC251, RUF100 - the process is held up, while the answer is there
    assert await asyncio.wait_for(future, 60) == b"answer"
    await reading
    there.close()
    assert late == []


def _answering() -> object:
    import socket

    ours, theirs = socket.socketpair()
    theirs.sendall(b"answer")
    theirs.close()
    return ours
